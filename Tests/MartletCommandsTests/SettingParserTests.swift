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
