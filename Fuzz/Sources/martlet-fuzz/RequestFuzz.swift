import MartletAPI
import MartletJSON
import MartletProtocol

/// Any body of a request is accepted, or refused with an error whose own body is JSON.
enum RequestFuzz {
    /// The first byte chooses the route, the others are the body.
    static func run(_ input: [UInt8]) -> CInt {
        guard let route = input.first else { return Verdict.ignore }
        do {
            try decode(JSONBody(input.dropFirst()).value, route: route)
        } catch {
            precondition((400..<600).contains(error.status), "an error without an error status")
            do {
                let body = try JSONParser.parse(error.body())
                precondition(body["error"]?["message"]?.stringValue?.isEmpty == false, "an error without a message")
            } catch {
                preconditionFailure("the body of an error is no JSON: \(error)")
            }
        }
        return Verdict.keep
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

    private static func decode(_ body: JSONValue, route: UInt8) throws(APIError) {
        let defaults = CompletionDefaults()
        switch route % 5 {
        case 0: _ = try ChatCompletionRequest(body, defaults: defaults, randomSeed: 1)
        case 1: _ = try TextCompletionRequest(body, defaults: defaults, randomSeed: 1)
        case 2: _ = try TokenizeRequest(body)
        case 3: _ = try DetokenizeRequest(body)
        default: _ = try ControlRequest(body, settings: AdjustableSettings())
        }
    }
}
