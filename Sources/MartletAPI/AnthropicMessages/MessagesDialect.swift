import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams

extension Dialect {
    /// Anthropic's Messages.
    ///
    /// A count of tokens needs no `max_tokens`. Errors have Anthropic's form also before a request is read, such as for a
    /// wrong key.
    static let messages: Dialect = {
        var dialect = Dialect(kind: .messages, idPrefix: "msg_", paths: ["/v1/messages"]) {
            json, input throws(APIError) in
            .chat(
                try MessagesRequest.read(
                    json, defaults: input.defaults, randomSeed: input.randomSeed, requiresLimit: !input.isForCount))
        } makeView: { response in
            MessagesView(head: response.head, options: response.options.options)
        }
        dialect.counting = Counting(paths: ["/v1/messages/count_tokens"]) { ["input_tokens": .integer(Int64($0))] }
        dialect.errors = ErrorForm(
            status: { MessagesErrors.status(of: $0) }, body: { MessagesErrors.body(of: $0).bytes })
        return dialect
    }()
}
