import MartletJSON
import MartletTestSupport
import Testing

/// The chat page and its history, served by the real binary.
@Suite(.serialized, .timeLimit(.minutes(15))) struct PageServerTests {
    @Test func thePageAndItsHistoryAreServed() async throws {
        try await Server.run(["--ctx-size", "512"]) { server in
            // A build without the page has a plain one, which says how to build it.
            let page = try await server.get("/")
            #expect(page.status == 200 && page.body.hasPrefix("<!doctype html>"))
            #expect(page.body.contains("page/main-") || page.body.contains("make page"))
            _ = try await server.post("/v1/completions", ["prompt": "The bird", "max_tokens": 8, "temperature": 0])
            try await server.wait {
                let history = try JSONParser.parse(Array(try await server.get("/v1/metrics/history").body.utf8))
                let speeds = history["generated_tokens_per_second"]?.arrayValue ?? []
                return speeds.contains { ($0.doubleValue ?? 0) > 0 }
            }
        }
    }
}
