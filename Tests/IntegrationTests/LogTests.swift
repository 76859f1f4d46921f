import MartletJSON
import MartletPlatform
import MartletTestSupport
import OrderedCollections
import Subprocess
import SystemPackage
import Testing

/// A server serves requests although no process reads its log.
@Suite(.serialized, .timeLimit(.minutes(15))) struct LogTests {
    private static let requestCount = 3_000

    @Test func aLogWithoutAReaderDelaysNoRequest() async throws {
        let result = try await Subprocess.run(
            MartletProcess.executable, arguments: ["serve", "--port", "0"], input: .none, output: .discarded,
            error: .sequence
        ) { execution in
            // The test reads the lines up to the listening server, and no later line.
            var log = ""
            for try await line in execution.standardError.strings() {
                log += line + "\n"
                if line.contains("Ctrl-C") { break }
            }
            let match = try #require(log.firstMatch(of: /http:\/\/127\.0\.0\.1:(\d+)/))
            let connection = try await RawConnection.connect(port: try #require(Int(match.1)))
            for _ in 0..<Self.requestCount {
                try await connection.send("GET", "/no/such/route")
                let status = try await connection.readHead().status
                _ = try await connection.readBody()
                #expect(status == 404)
            }
            try await connection.send("GET", "/metrics")
            _ = try await connection.readHead()
            let metrics = try await connection.readBody()
            #expect(metrics.contains("martlet_log_lines_dropped_total 0\n"), "\(metrics)")
            try await connection.close()
            try execution.send(signal: .terminate)
        }
        #expect(result.terminationStatus.isSuccess)
    }

    /// A decode that a client's leaving breaks off is no error.
    @Test func aClientThatLeavesInALongPromptIsOneQuietLine() async throws {
        let log = LockedValue<ServerLog?>(nil)
        try await Server.run(["--log-verbosity", "4", "--ctx-size", "16384"]) { server in
            log.set(server.log)
            let prompt = String(repeating: "Once upon a time there was a bird. ", count: 1_300)
            for _ in 0..<3 {
                let stream = try await server.connect()
                let body: JSONValue = ["prompt": .string(prompt), "stream": true, "cache_prompt": false]
                try await stream.send("POST", "/v1/completions", body: body.text)
                try await server.wait { try await server.slots().contains { $0["is_processing"] == true } }
                try await stream.reset()
                try await server.wait { try await server.slots().allSatisfy { $0["is_processing"] == false } }
            }
        }
        let text = try #require(log.value).text
        #expect(!text.contains("failed to"), "\(text)")
        #expect(!text.contains(" error "), "\(text)")
    }

    @Test func aClosedStandardErrorHasNoEffectOnRequests() async throws {
        let socket = "/tmp/martlet-closed-\(getpid()).sock"
        let result = try await Subprocess.run(
            .name("sh"),
            arguments: ["-c", #"exec "$0" serve --host "$1" 2>&-"#, MartletProcess.path.string, socket],
            input: .none, output: .discarded, error: .discarded
        ) { execution in
            var connection: RawConnection?
            while connection == nil { connection = try? await RawConnection.connect(socketPath: socket) }
            let open = try #require(connection)
            // Each of these is logged, to nowhere: not into the connection, nor into what else took the free number.
            for _ in 0..<100 {
                try await open.send("GET", "/no/such/route")
                #expect(try await open.readHead().status == 404)
                _ = try await open.readBody()
            }
            try await open.close()
            try execution.send(signal: .terminate)
        }
        #expect(result.terminationStatus.isSuccess)
    }
}
