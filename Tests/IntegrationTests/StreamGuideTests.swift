import Foundation
import MartletJSON
import MartletPlatform
import Subprocess
import SystemPackage
import Testing

/// Runs the examples of `docs/streams.md` and `docs/tutorial.md` unchanged.
@Suite(.serialized, .timeLimit(.minutes(15))) struct StreamGuideTests {
    /// The page's first block of code in this language.
    private static func example(_ language: String, page: String = "streams.md") throws -> String {
        let path = MartletProcess.repository.appending("docs/\(page)").string
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

    @Test func tutorial() async throws {
        try await Server.run { server in
            let begun = try await Self.run(.name("sh"), ["-euc", try Self.example("sh", page: "tutorial.md")], server)
            #expect(begun.contains(#""id":"chatcmpl-"#), "\(begun)")
            let python = MartletProcess.repository.appending(".deps/python/bin/python")
            let script = try Self.example("python", page: "tutorial.md")
            let output = try await Self.run(.path(python), ["-c", script], server)
            let message = try await Self.message("Count from 1 to 5.", [:], server)
            #expect(output == (try #require(message["content"]?.stringValue)) + "\n")
        }
    }

    /// Runs a Python program whose stream is cut: the server ends by the signal, and another one continues on its port.
    private static func pythonOutput(
        endingServerBy signal: Int32, arguments: @Sendable (Server) throws -> [String],
        check: @Sendable (String, Server) async throws -> Void
    ) async throws {
        let state = StateFolder()
        let flags = ["--state-dir", state.path, "--drain-timeout", "1"]
        let python = MartletProcess.repository.appending(".deps/python/bin/python")
        let port = LockedValue(0)
        let program = LockedValue<Task<String, any Error>?>(nil)
        let isFinished = LockedValue(false)
        try await Server.run(flags) { server in
            port.set(server.port)
            let words = try arguments(server)
            program.set(
                Task {
                    defer { isFinished.set(true) }
                    return try await Self.run(.path(python), words, server)
                })
            try await server.wait {
                if isFinished.value { return true }
                return try await server.slots().contains {
                    ($0["next_token"]?.arrayValue?.first?["n_decoded"]?.integerValue ?? 0) > 20
                }
            }
            if signal == SIGKILL { kill(server.processIdentifier, SIGKILL) }
        }
        #expect(!isFinished.value, "the response was complete before the server ended")
        try await Server.run(flags, port: port.value) { server in
            try await check(try await #require(program.value).value, server)
        }
    }

    /// The message of a response without streaming to this question.
    private static func message(_ question: String, _ fields: JSONObject, _ server: Server) async throws -> JSONValue {
        var request: JSONObject = ["messages": [["role": "user", "content": .string(question)]], "temperature": 0]
        for (name, value) in fields { request[name] = value }
        let body = try await server.post("/v1/chat/completions", .object(request)).body
        return try #require(body["choices"]?.arrayValue?.first?["message"])
    }

    /// The program of the page with a longer completion, over a planned restart and over a crash.
    @Test(arguments: [SIGTERM, SIGKILL]) func pythonOverARestart(signal: Int32) async throws {
        let more = #""temperature": 0, "max_tokens": 2000, "ignore_eos": True"#
        let script = try Self.example("python").replacing(#""temperature": 0"#, with: more)
        try await Self.pythonOutput(endingServerBy: signal, arguments: { _ in ["-c", script] }) { output, server in
            let message = try await Self.message(
                "Count from 1 to 5.", ["max_tokens": 2000, "ignore_eos": true], server)
            #expect(output == (try #require(message["content"]?.stringValue)) + "\n")
        }
    }

    /// examples/resume.py prints the whole response once, and a line at each lost connection.
    @Test func resumeExampleOverACrash() async throws {
        let script = MartletProcess.repository.appending("examples/resume.py").string
        let question = "Count from 1 to 300."
        try await Self.pythonOutput(
            endingServerBy: SIGKILL, arguments: { [script, "http://127.0.0.1:\($0.port)", question] }
        ) { output, server in
            let message = try await Self.message(question, [:], server)
            let reasoning = try #require(message["reasoning_content"]?.stringValue)
            let content = try #require(message["content"]?.stringValue)
            let notice = /\n\[connection lost; reading on after event \S+\]\n/
            #expect(output.contains(notice))
            #expect(output.replacing(notice, with: "") == "\(reasoning)\n\(content)\n")
        }
    }

    // MARK: The tutorial in three languages

    /// A command that runs the program of the tutorial in a language, with a response that is long enough for two restarts.
    private static func command(_ language: String, in folder: FilePath) async throws -> [String] {
        let fields = #""temperature": 0, "max_tokens": 3500, "ignore_eos": "#
        let program = try example(language, page: "tutorial.md")
        switch language {
        case "python":
            let python = MartletProcess.repository.appending(".deps/python/bin/python")
            return [python.string, "-c", program.replacing(#""temperature": 0"#, with: fields + "True")]
        case "js":
            let long = program.replacing("temperature: 0", with: fields + "true")
            return ["/usr/bin/env", "node", "--input-type=module", "--eval", long]
        default:
            let source = folder.appending("main.swift").string
            let long = program.replacing(#""temperature": 0"#, with: fields + "true")
            try Data(long.utf8).write(to: URL(filePath: source))
            let result = folder.appending("app").string
            let compiler = try await Subprocess.run(
                .name("swiftc"), arguments: ["-o", result, source], output: .discarded, error: .string(limit: 1 << 20))
            #expect(compiler.terminationStatus.isSuccess, "\(compiler.standardError)")
            return [result]
        }
    }

    private static func hasNode() async -> Bool {
        let result = try? await Subprocess.run(.name("node"), arguments: ["--version"], output: .discarded)
        return result?.terminationStatus.isSuccess ?? false
    }

    /// The programs of the tutorial, as written except for the length of the response, over SIGTERM and then over SIGKILL.
    @Test func theTutorialsProgramsSurviveARestartAndACrash() async throws {
        let state = StateFolder()
        let flags = ["--state-dir", state.path, "--drain-timeout", "1"]
        let languages = ["python", "swift"] + (await Self.hasNode() ? ["js"] : [])
        let folder = FilePath(state.path + "-programs")
        try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        var commands: [[String]] = []
        for language in languages { commands.append(try await Self.command(language, in: folder)) }
        let port = LockedValue(0)
        let programs = LockedValue<[Task<String, any Error>]>([])
        try await Server.run(flags) { [commands] server in
            port.set(server.port)
            programs.set(
                commands.map { command in
                    Task { try await Self.run(.path(FilePath(command[0])), Array(command.dropFirst()), server) }
                })
            // Each program reads its generation: none is still on its way to the server.
            try await server.wait {
                let body = try JSONParser.parse(Array(try await server.get("/v1/generations").body.utf8))
                let generations = body["data"]?.arrayValue ?? []
                return generations.count == commands.count
                    && generations.allSatisfy { ($0["tokens"]?.integerValue ?? 0) > 5 }
            }
        }
        try await Server.run(flags, port: port.value) { server in kill(server.processIdentifier, SIGKILL) }
        try await Server.run(flags, port: port.value) { server in
            let fields: JSONObject = ["max_tokens": 3500, "ignore_eos": true]
            let message = try await Self.message("Count from 1 to 5.", fields, server)
            let text = try #require(message["content"]?.stringValue)
            for (language, program) in zip(languages, programs.value) {
                #expect(try await program.value == text + "\n", "\(language)")
            }
        }
    }
}
