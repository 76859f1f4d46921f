import MartletJSON
import MartletPlatform
import MartletTestSupport
import OrderedCollections
import Subprocess
import Testing

/// A worker that stands still is replaced, and its streams go on.
@Suite(.serialized, .timeLimit(.minutes(15))) struct HangTests {
    private static let request: JSONValue = [
        "prompt": "Once upon a time", "max_tokens": 2000, "temperature": 0, "ignore_eos": true,
    ]

    @Test func aStoppedWorkerIsReplacedAndItsStreamGoesOn() async throws {
        let status = try await Server.run(["--hang-timeout", "2"]) { server in
            let undisturbed = try await server.post("/v1/completions", Self.request).body
            let whole = try #require(undisturbed["choices"]?.arrayValue?.first?["text"]?.stringValue)
            let worker = try await server.worker()
            let stream = try await server.openStream(Self.request)
            let first = try #require(try await stream.readEvent())
            kill(worker, SIGSTOP)
            let text = try StreamedText([first] + (await stream.readEvents()))
            #expect(text.endedOnce && text.finishReasons == ["length"])
            #expect(text.text == whole)
            try await server.wait { try await server.workers().allSatisfy { $0 != worker } }
            let line = server.log.lines(with: "stands still").first ?? ""
            #expect(line.contains("the last step that it reported was"), "\(server.log.text)")
            #expect(server.log.lines(with: "stands still").count == 1)
        }
        #expect(status.isSuccess)
    }

    @Test func healthReportsAHungIdleWorkerUntilItIsReplaced() async throws {
        try await Server.run(["--hang-timeout", "1"]) { server in
            let worker = try await server.worker()
            kill(worker, SIGSTOP)
            try await server.wait {
                let health = try await server.get("/health")
                // 1 second, or 5 if the worker had not answered once before it was stopped.
                return health.status == 503 && health.body.contains("has not answered for ")
            }
            try await server.wait { try await server.get("/health").status == 200 }
            #expect(try await server.workers().filter { $0 == worker }.isEmpty)
        }
    }

    /// The watch over the end kills a worker that does nothing and ends the server with the code that says so.
    @Test func aServerEndsBesideAStoppedWorker() async throws {
        let status = try await Server.run(["--hang-timeout", "0", "--drain-timeout", "1"]) { server in
            let stream = try await server.openStream(Self.request)
            _ = try await stream.readEvent()
            kill(try await server.worker(), SIGSTOP)
        }
        #expect(status == .exited(70))
    }
}
