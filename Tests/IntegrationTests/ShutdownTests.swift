import Foundation
import MartletJSON
import MartletPlatform
import MartletTestSupport
import NIOCore
import Subprocess
import Testing

/// A server that is asked to end does, whatever goes on.
@Suite(.serialized, .timeLimit(.minutes(15))) struct ShutdownTests {
    private static let endless: JSONValue = [
        "prompt": "Once", "max_tokens": 100_000, "ignore_eos": true, "cache_prompt": false, "stream": true, "n": 3,
    ]

    @Test func commandsToSeveralChoicesDoNotDelayTheShutdown() async throws {
        let state = StateFolder()
        let status = try await Server.run(["--state-dir", state.path, "--drain-timeout", "1"]) { server in
            let connection = try await server.connect()
            try await connection.send(
                "POST", "/v1/completions", headers: [("X-Stream-Resume", "1")], body: Self.endless.text)
            let id = try #require(try await connection.readHead()["x-generation-id"])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        // The loop ends when the reply reports the handover, or when the server is gone.
                        while let reply = try? await server.post("/v1/generations/\(id)/control", ["action": "status"]),
                            reply.status == 200
                        {}
                    }
                }
                kill(server.processIdentifier, SIGTERM)
                try await group.waitForAll()
            }
        }
        #expect(status.isSuccess)
    }

    /// A worker that stands still ends only by force, and the answer that is waited for never does.
    @Test func aSecondSignalEndsWhatTheFirstWaitsFor() async throws {
        let worker = LockedValue<pid_t>(0)
        let status = try await Server.run(["--drain-timeout", "600"]) { server in
            worker.set(try await server.worker())
            let stream = try await server.openStream(Self.endless)
            _ = try await stream.readEvent()
            kill(worker.value, SIGSTOP)
            kill(server.processIdentifier, SIGTERM)
            // Nothing new is begun from the first signal on. A request before it would wait for the worker.
            try await server.wait { server.log.text.contains("waiting for running generations") }
            #expect(try await server.post("/v1/completions", ["prompt": "x", "max_tokens": 1]).status == 503)
            kill(server.processIdentifier, SIGTERM)
        }
        #expect(status == .exited(70))
        let left = try await Subprocess.run(
            .name("ps"), arguments: ["-o", "stat=", "-p", "\(worker.value)"], output: .string(limit: 1 << 10))
        let state = left.standardOutput.trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(state.isEmpty || state.hasPrefix("Z"), "the worker is \(state)")
    }
}
