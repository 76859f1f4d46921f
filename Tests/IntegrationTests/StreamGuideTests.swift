import Foundation
import MartletJSON
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
