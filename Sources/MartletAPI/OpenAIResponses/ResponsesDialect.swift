import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams

extension Dialect {
    /// OpenAI's Responses.
    ///
    /// The only dialect with stored responses: a request may continue one, and a response is stored unless the request
    /// forbids it.
    package static let responses: Dialect = {
        var dialect = Dialect(kind: .responses, idPrefix: "resp_", paths: ["/v1/responses", "/responses"]) {
            json, input throws(APIError) in
            .chat(
                try ResponsesRequest.read(
                    json, history: input.history, defaults: input.defaults, randomSeed: input.randomSeed))
        } makeView: { response in
            ResponsesView(head: response.head, options: response.options.options, body: response.body)
        }
        dialect.counting = .openAI(["/v1/responses/input_tokens", "/responses/input_tokens"])
        dialect.previousID = { json throws(APIError) in try ResponsesRequest.previousID(json) }
        dialect.items = { ResponseItemList.items(of: $0) }
        dialect.conversationID = { json throws(APIError) in try ConversationBodies.id(in: json) }
        dialect.references = { ResponseItemList.references(in: $0) }
        dialect.stores = { ResponsesRequest.stores($0) }
        return dialect
    }()
}
