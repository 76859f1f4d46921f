import Testing

@testable import MartletCommands

@Suite struct SettingParserTests {
    private func parse(
        _ arguments: [String], environment: [String: String] = [:], command: SettingCommand = .serve
    ) throws -> SettingValues {
        try SettingParser(command: command).parse(arguments: arguments) { environment[$0] }
    }

    private func message(_ arguments: [String], environment: [String: String] = [:]) -> String {
        do {
            _ = try parse(arguments, environment: environment)
            return "accepted"
        } catch {
            return "\(error)"
        }
    }

    @Test func aFlagComesBeforeTheEnvironmentAndThatBeforeTheDefault() throws {
        #expect(try parse([]).integer(.port) == 8080)
        #expect(try parse([], environment: ["LLAMA_ARG_PORT": "1"]).integer(.port) == 1)
        #expect(try parse([], environment: ["LLAMA_ARG_PORT": "1", "MARTLET_PORT": "2"]).integer(.port) == 2)
        #expect(try parse(["--port", "3"], environment: ["MARTLET_PORT": "2"]).integer(.port) == 3)
    }

    @Test func allSpellingsMeanTheSame() throws {
        for arguments in [["-c", "512"], ["--ctx-size", "512"], ["--ctx_size=512"], ["-c=512"]] {
            #expect(try parse(arguments).integer(.contextSize) == 512)
        }
    }

    @Test func theLastOfSeveralFlagsCounts() throws {
        #expect(try parse(["--temp", "1", "--temp", "0.5"]).number(.temperature) == 0.5)
    }

    @Test func aNegativeNumberIsAValue() throws {
        #expect(try parse(["-n", "-1", "--presence-penalty", "-0.5"]).integer(.maximumTokens) == -1)
    }

    @Test func togglesGoBothWays() throws {
        #expect(try parse([]).toggle(.memoryMap) == true)
        #expect(try parse(["--no-mmap"]).toggle(.memoryMap) == false)
        #expect(try parse(["--no_mmap", "--mmap"]).toggle(.memoryMap) == true)
        #expect(try parse([], environment: ["LLAMA_ARG_MMAP": "off"]).toggle(.memoryMap) == false)
        #expect(try parse([], environment: ["LLAMA_ARG_NO_MMAP": ""]).toggle(.memoryMap) == false)
        #expect(try parse(["--slots=off"]).toggle(.slots) == false)
    }

    @Test func wordsStandForNumbersWhereTheyMay() throws {
        #expect(try parse(["-ngl", "all"]).integer(.gpuLayers) == -1)
        #expect(try parse(["-ngl", "12"]).integer(.gpuLayers) == 12)
    }

    @Test func listsAreCutAtCommas() throws {
        #expect(try parse(["--api-key", "one, two,,three"]).list(.apiKey) == ["one", "two", "three"])
    }

    @Test(arguments: [
        (["--port", "99999"], "--port must be a whole number from 0 to 65535, not '99999'"),
        (["--port"], "--port needs a value: a whole number from 0 to 65535"),
        (["--port", "--host"], "--port needs a value: a whole number from 0 to 65535"),
        (["-np", "0"], "-np must be a whole number from 1 to 256, not '0'"),
        (["--temp", "warm"], "--temp must be a number from 0.0 to 100.0, not 'warm'"),
        (["--temp", "nan"], "--temp must be a number from 0.0 to 100.0, not 'nan'"),
        (["-ctk", "q9"], "-ctk must be one of f32, f16, bf16, q8_0, q5_1, q5_0, q4_1, q4_0, iq4_nl, not 'q9'"),
        (["--api-key", ","], "--api-key must be texts with commas between them, not ','"),
        (["--chat-template-kwargs", "[1]"], "--chat-template-kwargs must be a JSON object, not '[1]'"),
        (["--no-mmap=1"], "--no-mmap takes no value"),
        (["--prot", "80"], "unknown flag --prot; did you mean --port?"),
        (["--ctxsize", "80"], "unknown flag --ctxsize; did you mean --ctx-size?"),
        (["--entirely-different"], "unknown flag --entirely-different; --help lists all flags"),
        (["--grammar", "x"], "--grammar: llama-server has this flag, martlet does not have it yet"),
        (["--no-jinja"], "--no-jinja: chat templates are always rendered as Jinja"),
        (["model.gguf"], "unexpected argument 'model.gguf'; a model is given with --model PATH"),
    ])
    func aBadFlagIsRefusedWithNameRuleAndValue(arguments: [String], expected: String) {
        #expect(message(arguments) == expected)
    }

    @Test func aBadVariableIsRefusedByItsOwnName() {
        #expect(
            message([], environment: ["LLAMA_ARG_PORT": "x"])
                == "LLAMA_ARG_PORT must be a whole number from 0 to 65535, not 'x'")
    }

    /// Parses with a file "martlet.ini" of these lines.
    private func parse(
        file lines: String..., arguments: [String] = [], environment: [String: String] = [:]
    ) throws -> SettingValues {
        try SettingParser(command: .serve).parse(arguments: arguments + ["--config", "martlet.ini"]) {
            environment[$0]
        } read: { path throws(SettingError) in
            guard path == "martlet.ini" else { throw SettingError("wrong file \(path)") }
            return lines.joined(separator: "\n")
        }
    }

    @Test func aFileComesBeforeTheDefaultAndAfterEverythingElse() throws {
        let line = "port = 1"
        #expect(try parse(file: line).integer(.port) == 1)
        #expect(try parse(file: line, environment: ["MARTLET_PORT": "2"]).integer(.port) == 2)
        #expect(try parse(file: line, arguments: ["--port", "3"]).integer(.port) == 3)
        let named = try SettingParser(command: .serve).parse(arguments: []) {
            $0 == "MARTLET_CONFIG" ? "x" : nil
        } read: { _ in
            line
        }
        #expect(named.integer(.port) == 1)
    }

    @Test func aFileHasCommentsBlanksAndEverySpelling() throws {
        let values = try parse(
            file: "# comment", "", "; another", "  ctx_size=512  ", "--top-k = 7", "no-slots", "metrics",
            "chat-template = a = b # c", "c\t=\t9", "jinja")
        #expect(values.integer(.contextSize) == 9)
        #expect(values.integer(.topK) == 7)
        #expect(values.toggle(.slots) == false)
        #expect(values.toggle(.metrics) == true)
        #expect(values.text(.chatTemplate) == "a = b # c")
    }

    @Test(arguments: [
        ("port = 1\n\nport = 2", "martlet.ini:3: port is set already on line 1"),
        ("prot = 1", "martlet.ini:1: unknown flag --prot; did you mean --port?"),
        ("\nport = x", "martlet.ini:2: --port must be a whole number from 0 to 65535, not 'x'"),
        ("port", "martlet.ini:1: --port needs a value: a whole number from 0 to 65535"),
        ("port =", "martlet.ini:1: port needs a value; leave the line out for none"),
        ("= 1", "martlet.ini:1: the name of a setting is missing before '='"),
        ("[server]", "martlet.ini:1: there are no sections, as a file has the settings of one server"),
        ("config = other.ini", "martlet.ini:1: a file cannot name another one"),
        ("no-slots = on", "martlet.ini:1: --no-slots takes no value"),
        ("grammar = x", "martlet.ini:1: --grammar: llama-server has this flag, martlet does not have it yet"),
    ])
    func aBadLineIsRefusedWithItsNumber(text: String, expected: String) {
        let error = #expect(throws: SettingError.self) { try parse(file: text) }
        #expect(error?.description == expected)
    }

    @Test func whatAlwaysIsSoMayBeAskedFor() throws {
        #expect(try parse(["--jinja", "--cont-batching", "--port", "1"]).integer(.port) == 1)
    }

    @Test func theWorkerGetsWhatConcernsItAndNoSecrets() throws {
        let values = try parse(
            ["-c", "4096", "--no-mmap", "--api-key", "secret", "--port", "1", "-v"],
            environment: ["LLAMA_ARG_N_PARALLEL": "2"])
        let arguments = values.workerArguments()
        #expect(arguments == ["--ctx-size=4096", "--parallel=2", "--no-mmap", "--verbose"])
        let again = try parse(arguments, command: .worker)
        #expect(again.integer(.contextSize) == 4096)
        #expect(again.integer(.parallel) == 2)
        #expect(again.toggle(.memoryMap) == false)
    }

    @Test func aWorkerTakesNoFlagOfTheEdge() {
        #expect(throws: SettingError.self) { try parse(["--port", "1"], command: .worker) }
    }
}
