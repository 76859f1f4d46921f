import MartletJSON
import MartletProtocol
import MartletServer
import MartletTestSupport
import Testing

/// Every body gets a response, and every fault in it is reported as the client's.
@Suite(.timeLimit(.minutes(15))) struct RequestLimitTests {
    private static var engineState: EngineState {
        var information = ModelInformation.fake
        information.embeddingPooling = .mean
        return .ready(information)
    }

    @Test(arguments: RequestSamples.Route.allCases) func everyBodyIsServedOrRefused(
        route: RequestSamples.Route
    ) async throws {
        try await TestServer.run(state: Self.engineState, script: .complete(["a", "b"])) { server async throws in
            var random = SeededGenerator(seed: UInt64(route.rawValue.utf8.count))
            var samples = RequestSamples { Int.random(in: 0..<$0, using: &random) }
            var counts = (accepted: 0, refused: 0)
            for _ in 0..<300 {
                let body = samples.body(of: route)
                let (head, response) = try await server.send("POST", route.rawValue, body: body)
                if head.status < 400 {
                    counts.accepted += 1
                    #expect(!response.contains("\"error\""), "\(body): \(response.prefix(400))")
                } else {
                    counts.refused += 1
                    #expect(head.status < 500, "\(body): \(response)")
                    #expect(
                        try json(response)["error"]?["message"]?.stringValue?.isEmpty == false, "\(body): \(response)")
                }
            }
            #expect(counts.refused > 50 && counts.accepted > 5, "\(counts)")
            #expect(try await server.send("GET", "/health").head.status == 200)
        }
    }
}
