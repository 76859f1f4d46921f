import Foundation
import MartletJSON
import OrderedCollections
import Subprocess
import SystemPackage
import Testing

/// Error texts of the command line, and the commands other than `serve`.
@Suite(.serialized, .timeLimit(.minutes(15))) struct CommandTests {
    /// An error is one line that names the problem and the remedy; it is no stack trace.
    private func expectRefusal(_ arguments: [String], mentions parts: String...) async throws {
        let result = try await MartletProcess.run(arguments)
        #expect(result.status != 0)
        for part in parts { #expect(result.error.contains(part), "\(result.error)") }
        #expect(result.error.hasPrefix("martlet: "), "\(result.error)")
        #expect(result.error.split(separator: "\n").count == 1, "\(result.error)")
    }

    @Test func aMissingModelFileIsNamed() async throws {
        try await expectRefusal(["serve", "--model", "/no/such/model.gguf"], mentions: "/no/such/model.gguf")
    }

    @Test func aFileThatIsNoModelIsNamed() async throws {
        let readme = MartletProcess.repository.appending("README.md").string
        try await expectRefusal(["serve", "--port", "0", "--model", readme], mentions: "README.md", "GGUF")
    }

    @Test func aPortInUseIsNamed() async throws {
        try await Server.run { server in
            try await expectRefusal(
                ["serve", "--no-journal", "--port", "\(server.port)"], mentions: "\(server.port)")
        }
    }

    @Test func anUnknownFlagIsRefusedWithTheNearestKnownOne() async throws {
        try await expectRefusal(["serve", "--prot", "1"], mentions: "--prot", "--port")
    }

    @Test func aValueOutOfRangeIsRefusedByFlagRuleAndValue() async throws {
        try await expectRefusal(["serve", "--port", "70000"], mentions: "--port", "70000", "65535")
    }

    #if os(Linux)
        /// Runs a script in a mount namespace of its own, with an empty `/proc`.
        private static func runWithoutProc(_ script: String) async throws -> (status: TerminationStatus, error: String)
        {
            let result = try await Subprocess.run(
                .name("unshare"), arguments: ["-m", "sh", "-c", "mount -t tmpfs tmpfs /proc && \(script)"],
                output: .discarded, error: .string(limit: 1 << 16))
            return (result.terminationStatus, result.standardError)
        }

        private static func canHideProc() async -> Bool {
            (try? await runWithoutProc("true").status.isSuccess) ?? false
        }

        @Test(.enabled("'unshare -m' and 'mount' need rights that this machine does not give") { await canHideProc() })
        func withoutProcThereIsOneLineAndACode() async throws {
            let result = try await Self.runWithoutProc("exec '\(MartletProcess.path)' --version")
            #expect(result.status == .exited(1))
            #expect(
                result.error == "martlet: /proc is not mounted; mount it with 'mount -t proc proc /proc'\n",
                "\(result.error)")
        }
    #endif

    @Test func theVersionIsPrinted() async throws {
        let result = try await MartletProcess.run(["--version"])
        #expect(result.status == 0)
        #expect(result.output.split(separator: "\n").count == 1)
    }

    @Test func benchMeasuresAServer() async throws {
        try await Server.run { server in
            let result = try await MartletProcess.run([
                "bench", "http://127.0.0.1:\(server.port)", "--streams", "1,3", "--requests", "6", "--tokens", "8",
                "--runs", "2", "--json",
            ])
            #expect(result.status == 0, "\(result.error)")
            let loads = try #require(try JSONParser.parse(Array(result.output.utf8)).arrayValue)
            #expect(loads.count == 2)
            for load in loads {
                let runs = try #require(load["servers"]?.arrayValue?.first?["runs"]?.arrayValue)
                #expect(runs.count == 2)
                for run in runs {
                    #expect(
                        run["requests"] == 6 && run["tokens"] == 48 && run["failures"]?.objectValue?.isEmpty == true)
                    #expect(try #require(run["tokens_per_second"]?.doubleValue) > 0)
                    #expect(try #require(run["ttft_p50"]?.doubleValue) > 0)
                }
            }
        }
    }

    @Test func benchReportsFailures() async throws {
        try await expectRefusal(
            ["bench", "127.0.0.1:1", "--requests", "2"], mentions: "no server listens on http://127.0.0.1:1")
        try await Server.run { server in
            // The server refuses the field, so each request fails.
            let result = try await MartletProcess.run([
                "bench", "127.0.0.1:\(server.port)", "--requests", "2", "--runs", "1", "--fields",
                #"{"temperature": "x"}"#,
            ])
            #expect(result.status == 1)
            #expect(result.output.contains("2 of 2"), "\(result.output)")
            #expect(result.output.contains("400"), "\(result.output)")
        }
    }

    @Test func doctorLooksAtThisMachine() async throws {
        let result = try await MartletProcess.run(["doctor", "--port", "1", "--json"])
        let findings = try #require(try JSONParser.parse(Array(result.output.utf8)).arrayValue)
        #expect(findings.first { $0["subject"] == "model" }?["verdict"] == "ok", "\(result.output)")
        let missing = try await MartletProcess.run(["doctor", "/no/such/model.gguf"])
        #expect(missing.status == 1)
        #expect(missing.output.contains("PROBLEM  model: /no/such/model.gguf is not there"), "\(missing.output)")
    }

    @Test func doctorAsksLibllamaAboutAFile() async throws {
        let model = MartletProcess.repository.appending("Models/fledgling.Q8_0.gguf").string
        let good = try await MartletProcess.run(["doctor", "--port", "1", "-c", "1024", "--model", model])
        #expect(
            good.output.contains("for 1024 tokens and 4 sequences: fits, up to 4096"), "\(good.output)\(good.error)")
        // The same file with an architecture that no program knows.
        let state = StateFolder()
        try FileManager.default.createDirectory(atPath: state.path, withIntermediateDirectories: true)
        var bytes = try Data(contentsOf: URL(filePath: model))
        let key = Data("general.architecture".utf8)
        let start = try #require(bytes.range(of: key)).upperBound + 12
        bytes.replaceSubrange(start..<start + 5, with: Data("novel".utf8))
        let path = state.path + "/novel.gguf"
        try bytes.write(to: URL(filePath: path))
        let bad = try await MartletProcess.run(["doctor", "--port", "1", path])
        #expect(bad.status == 1)
        #expect(bad.output.contains("libllama refuses it") && bad.output.contains("'novel'"), "\(bad.output)")
        #expect(bad.error.isEmpty, "\(bad.error)")
    }

    @Test func doctorNamesTheServerOnThePort() async throws {
        try await Server.run { server in
            let result = try await MartletProcess.run(["doctor", "--port", "\(server.port)"])
            #expect(result.status == 0)
            #expect(
                result.output.contains("warning  port: \(server.port) has a running server, martlet"),
                "\(result.output)")
            #if os(Linux)
                #expect(result.output.contains("in use by process "), "\(result.output)")
            #endif
        }
    }

    @Test(arguments: [
        ["chat", "--modle", "x"], ["list", "--jsno"], ["ps", "--url", "ftp://x"], ["streams", "lss"], ["load"],
        ["bench", "--streams", "x"], ["doctor", "--port", "x"], ["serve", "--prot"], ["chta"],
        ["chat", "--schema", "/missing", "hi"], ["chat", "-m", "/missing.gguf"], ["template", "render"],
        ["chat", "--set", "x", "hi"],
    ])
    func wrongUsageIsOneLineAndOneExitCode(arguments: [String]) async throws {
        let result = try await MartletProcess.run(arguments)
        #expect(result.status == 2, "\(result)")
        #expect(result.error.hasPrefix("martlet: ") && result.output.isEmpty, "\(result)")
        #expect(result.error.split(separator: "\n").count == 1, "\(result)")
    }

    @Test func chatRespondsToPipedInputAndToQuestions() async throws {
        let state = StateFolder()
        try FileManager.default.createDirectory(atPath: state.path, withIntermediateDirectories: true)
        let schema = state.path + "/schema.json"
        try Data(#"{"enum": ["yes", "no"]}"#.utf8).write(to: URL(filePath: schema))
        try await Server.run { server in
            // Without scheme, and with the path that other clients need.
            let chat = ["chat", "--url", "127.0.0.1:\(server.port)/v1"]
            let piped = try await MartletProcess.run(chat, input: "What is 12 + 30?\n")
            #expect(piped.status == 0 && piped.output.contains("42"), "\(piped.output)\(piped.error)")
            let answer = try await MartletProcess.run(chat + ["What is", "12 + 30?"], input: "")
            #expect(answer.status == 0 && answer.output.contains("42"), "\(answer.output)\(answer.error)")
            let result = try await MartletProcess.run(
                chat + ["-o", "json", "--schema", schema, "Is this good?"], input: "A text.\n")
            #expect(result.status == 0, "\(result.error)")
            let json = try JSONParser.parse(Array(result.output.utf8))
            #expect(["yes", "no"].contains(json["value"]?.stringValue), "\(result.output)")
            #expect(json["finish_reason"] == "stop" && json["usage"]?["completion_tokens"] != nil)
            // A setting without effect is named once, and a response that is cut off has an exit code of its own.
            let cut = try await MartletProcess.run(
                chat + ["--set", "max_tokens=9", "--set", "nonsense=1", "Count from 1 to 50."], input: "")
            #expect(cut.status == 3, "\(cut)")
            let lines = cut.error.split(separator: "\n")
            #expect(lines.count == 2 && lines[0].contains("warning: \"nonsense\""), "\(cut)")
            #expect(lines.last?.contains("limit of tokens") == true, "\(cut)")
        }
        // A server of its own, with a model by its path.
        let model = MartletProcess.repository.appending("Models/fledgling.Q8_0.gguf").string
        let ran = try await MartletProcess.run(["run", model, "What is 12 + 30?"], input: "")
        #expect(ran.status == 0 && ran.output.contains("42"), "\(ran.output)\(ran.error)")
        let absent = try await MartletProcess.run(["chat", "--url", "127.0.0.1:1", "Hello"], input: "")
        #expect(absent.status == 1)
        #expect(absent.error.contains("no server listens on http://127.0.0.1:1; 'martlet serve' starts one"))
        let unknown = try await MartletProcess.run(["server"])
        #expect(unknown.status == 2 && unknown.error.contains("did you mean 'martlet serve'?"), "\(unknown.error)")
    }

    @Test func aChatSelectsAModelOfSeveralByNameAndByAlias() async throws {
        let state = StateFolder()
        let folder = state.path + "/models"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let model = MartletProcess.repository.appending("Models/fledgling.Q8_0.gguf").string
        for name in ["first", "second"] {
            try FileManager.default.createSymbolicLink(atPath: "\(folder)/\(name).gguf", withDestinationPath: model)
        }
        let presets = state.path + "/presets.ini"
        try Data("[second]\nalias = other\nmodel = \(folder)/second.gguf\n".utf8).write(to: URL(filePath: presets))
        try await Server.run(["--models-dir", folder, "--models-preset", presets]) { server in
            let chat = ["chat", "--url", "127.0.0.1:\(server.port)", "-o", "json"]
            for (name, used) in [("first", "first"), ("second", "second"), ("other", "second")] {
                let result = try await MartletProcess.run(chat + ["-m", name, "What is 12 + 30?"])
                #expect(result.status == 0, "\(result)")
                let json = try JSONParser.parse(Array(result.output.utf8))
                #expect(json["model"]?.stringValue == used && json["text"]?.stringValue?.contains("42") == true)
            }
            let unknown = try await MartletProcess.run(chat + ["-m", "secnd", "Hi"])
            #expect(unknown.status == 1)
            #expect(unknown.error == "martlet: the server has no model 'secnd'; did you mean 'second'?\n")
            // A pipe checks the name, too.
            let piped = try await MartletProcess.run(
                ["chat", "--url", "127.0.0.1:\(server.port)"], input: "/model second\nWhat is 12 + 30?\n/model x\n")
            #expect(piped.status == 1 && piped.output.contains("42"), "\(piped)")
            #expect(piped.error.hasPrefix("martlet: the server has no model 'x'; "), "\(piped)")
        }
    }
}
