import MartletAPI
import MartletGenerations
import MartletJSON
import MartletProtocol

/// Any body of a request is accepted, or refused with an error whose body is JSON.
enum RequestFuzz {
    /// The first byte chooses the route, the other bytes are the body.
    static func run(_ input: [UInt8]) -> CInt {
        guard let first = input.first else { return CorpusDecision.reject }
        let choice = Int(first) % (routes.count + 1)
        check(input.dropFirst(), route: choice < routes.count ? routes[choice] : nil)
        return CorpusDecision.accept
    }

    /// The bytes choose values from the table of fields.
    static func runFields(_ input: [UInt8]) -> CInt {
        var bytes = input[...]
        func choose(_ count: Int) -> Int { Int(bytes.popFirst() ?? 0) % count }
        let route = routes[choose(routes.count)]
        var samples = RequestSamples(choose: choose)
        check(Array(samples.body(of: route).utf8)[...], route: route)
        return CorpusDecision.accept
    }

    private static let routes = RequestSamples.Route.allCases

    /// - Parameter route: nil for a control command.
    private static func check(_ body: ArraySlice<UInt8>, route: RequestSamples.Route?) {
        if let value = try? JSONBody(body).value {
            checkDialects(value)
            checkTextTasks(value)
        }
        do {
            try decode(JSONBody(body).value, route: route)
        } catch {
            precondition((400..<500).contains(error.status), "a client's mistake without a client's status")
            do {
                let body = try JSONParser.parse(error.body())
                precondition(body["error"]?["message"]?.stringValue?.isEmpty == false, "an error without a message")
            } catch {
                preconditionFailure("the body of an error is no JSON: \(error)")
            }
        }
    }

    /// Bodies of reranking, infill and Ollama's embeddings are read, or refused with a client's status.
    private static func checkTextTasks(_ body: JSONValue) {
        do {
            let request = try RerankRequest(body)
            let scores = request.inputs(RerankFormat()).map { _ in Embedding(tokenCount: 1, length: 1, values: [1]) }
            precondition(
                (try? JSONParser.parse(request.response(scores, model: "m"))) != nil, "results that are no JSON")
        } catch {
            precondition((400..<500).contains(error.status), "a mistake without a client's status")
        }
        do {
            _ = try InfillRequest(body).completion([1])
            _ = try OllamaEmbedRequest(body, isOlder: false)
        } catch {
            precondition((400..<500).contains(error.status), "a mistake without a client's status")
        }
    }

    /// Every dialect reads the body, or refuses it in its own form.
    private static func checkDialects(_ body: JSONValue) {
        var input = Dialect.Input(defaults: CompletionDefaults(), randomSeed: 1)
        // The body is also an item of the history.
        input.history = [body]
        for dialect in Dialect.all {
            do {
                _ = try dialect.previousID(body)
                _ = try dialect.read(body, input)
            } catch {
                precondition((400..<500).contains(dialect.errors.status(error)), "a mistake without a client's status")
                precondition((try? JSONParser.parse(dialect.errors.body(error))) != nil, "an error that is no JSON")
            }
        }
    }

    private struct JSONBody {
        var value: JSONValue

        init(_ bytes: ArraySlice<UInt8>) throws(APIError) {
            do {
                value = try JSONParser.parse(bytes)
            } catch {
                throw APIError(error)
            }
        }
    }

    private static func decode(_ body: JSONValue, route: RequestSamples.Route?) throws(APIError) {
        let defaults = CompletionDefaults()
        switch route {
        case .chat, .template: _ = try ChatCompletionRequest(body, defaults: defaults, randomSeed: 1)
        case .text: _ = try TextCompletionRequest(body, defaults: defaults, randomSeed: 1)
        case .native: _ = try LlamaServerCompletionRequest(body, defaults: defaults, randomSeed: 1)
        case .tokenize: _ = try TokenizeRequest(body)
        case .detokenize: _ = try DetokenizeRequest(body)
        case .embeddings: _ = try EmbeddingRequest(body, isOpenAI: true)
        case .lookup: _ = try StreamLookup(body)
        case nil: _ = try ControlRequest(body, settings: AdjustableSettings())
        }
    }
}
