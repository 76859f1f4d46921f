import Foundation
import MartletJSON
import MartletPlatform
import Subprocess
import SystemPackage
import Testing

/// The examples of `docs/streams.md`, run as they stand there.
@Suite(.serialized, .timeLimit(.minutes(5))) struct StreamGuideTests {
    /// The first block of code in this language.
    private static func example(_ language: String) throws -> String {
        let path = MartletProcess.repository.appending("docs/streams.md").string
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let start = try #require(text.firstRange(of: "```\(language)\n")).upperBound
        return String(text[start..<(try #require(text[start...].firstRange(of: "\n```")).lowerBound)])
    }

    private static func run(_ program: Executable, _ arguments: [String], _ server: Server) async throws -> String {
        let result = try await Subprocess.run(
            program, arguments: Arguments(arguments),
            environment: .inherit.updating(["URL": "http://127.0.0.1:\(server.port)"]), output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20))
        #expect(result.terminationStatus.isSuccess, "\(result.standardError)")
        return result.standardOutput
    }

    @Test func curl() async throws {
        try await Server.run { server in
            let output = try await Self.run(.name("sh"), ["-euc", try Self.example("sh")], server)
            #expect(output.ranges(of: "data: [DONE]").count == 2)
            #expect(output.contains(#""completion_tokens":"#))
        }
    }

    @Test func python() async throws {
        try await Server.run { server in
            let script = try Self.example("python")
            let python = MartletProcess.repository.appending(".deps/python/bin/python")
            let output = try await Self.run(.path(python), ["-c", script], server)
            for digit in 1...5 { #expect(output.contains("\(digit)"), "\(output)") }
        }
    }

    /// The same program with a longer answer, over a restart that was asked for and over a crash.
    @Test(arguments: [SIGTERM, SIGKILL]) func pythonOverARestart(signal: Int32) async throws {
        let state = StateFolder()
        let flags = ["--state-dir", state.path, "--drain-timeout", "1"]
        let more = #""temperature": 0, "max_tokens": 2000, "ignore_eos": True"#
        let script = try Self.example("python").replacing(#""temperature": 0"#, with: more)
        let python = MartletProcess.repository.appending(".deps/python/bin/python")
        let port = LockedValue(0)
        let program = LockedValue<Task<String, any Error>?>(nil)
        let isFinished = LockedValue(false)
        try await Server.run(flags) { server in
            port.set(server.port)
            program.set(
                Task {
                    defer { isFinished.set(true) }
                    return try await Self.run(.path(python), ["-c", script], server)
                })
            try await server.wait {
                if isFinished.value { return true }
                return try await server.slots().contains {
                    ($0["next_token"]?.arrayValue?.first?["n_decoded"]?.integerValue ?? 0) > 20
                }
            }
            if signal == SIGKILL { kill(server.processIdentifier, SIGKILL) }
        }
        #expect(!isFinished.value, "the answer was complete before the server ended")
        try await Server.run(flags, port: port.value) { server in
            let output = try await #require(program.value).value
            let request: JSONValue = [
                "messages": [["role": "user", "content": "Count from 1 to 5."]], "temperature": 0, "max_tokens": 2000,
                "ignore_eos": true,
            ]
            let alone = try await server.post("/v1/chat/completions", request).body
            let content = try #require(alone["choices"]?.arrayValue?.first?["message"]?["content"]?.stringValue)
            #expect(output == content + "\n")
        }
    }

    @Test func swift() async throws {
        try await Server.run { server in
            let folder = FilePath("/tmp/martlet-example-\(server.processIdentifier)")
            try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder.string) }
            let source = folder.appending("main.swift").string
            try Data(try Self.example("swift").utf8).write(to: URL(filePath: source))
            let program = folder.appending("example")
            _ = try await Self.run(.name("swiftc"), ["-o", program.string, source], server)
            let output = try await Self.run(.path(program), [], server)
            let json = try JSONParser.parse(Array(output.utf8))
            #expect(json["usage"]?["completion_tokens"] != nil)
        }
    }
}
