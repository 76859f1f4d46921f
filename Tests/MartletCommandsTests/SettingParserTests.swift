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
        (["-np", "0"], "-np must be a whole number from 1 to 256, '-1' or 'auto', not '0'"),
        (["--temp", "warm"], "--temp must be a number from -100.0 to 100.0, not 'warm'"),
        (["--temp", "nan"], "--temp must be a number from -100.0 to 100.0, not 'nan'"),
        (["-fa", "perhaps"], "-fa must be one of on, off, auto, not 'perhaps'"),
        (["-ctk", "q9"], "-ctk must be one of f32, f16, bf16, q8_0, q5_1, q5_0, q4_1, q4_0, iq4_nl, not 'q9'"),
        (["--api-key", ","], "--api-key must be texts with commas between them, not ','"),
        (["--chat-template-kwargs", "[1]"], "--chat-template-kwargs must be a JSON object, not '[1]'"),
        (["--no-mmap=1"], "--no-mmap has no value"),
        (["--prot", "80"], "unknown flag --prot; did you mean --port?"),
        (["--ctxsize", "80"], "unknown flag --ctxsize; did you mean --ctx-size?"),
        (["--entirely-different"], "unknown flag --entirely-different; --help lists all flags"),
        (
            ["--mmproj", "x"],
            "--mmproj: a flag of llama-server that martlet does not support yet (images, audio and video)"
        ),
        (
            ["-devd", "x"],
            "-devd: a flag of llama-server that martlet does not support yet (own devices and processors of a draft model)"
        ),
        (
            ["--path", "x"],
            "--path: a flag of llama-server that martlet does not support yet (files of its own as the web page)"
        ),
        (["--cache-reuse", "-1"], "--cache-reuse must be a whole number from 0 to 2147483647, not '-1'"),
        (["--lazy-mode"], "--lazy-mode needs a value"),
        (["model.gguf"], "unexpected argument 'model.gguf'; set a model with --model PATH"),
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
        ("port =", "martlet.ini:1: port needs a value; remove the line to leave the setting unset"),
        ("= 1", "martlet.ini:1: the name of a setting is missing before '='"),
        ("config = other.ini", "martlet.ini:1: a file cannot name another file"),
        ("no-slots = on", "martlet.ini:1: --no-slots has no value"),
        (
            "tools = all",
            "martlet.ini:1: --tools: a flag of llama-server that martlet does not support yet (tools that the server runs itself)"
        ),
    ])
    func aBadLineIsRefusedWithItsNumber(text: String, expected: String) {
        let error = #expect(throws: SettingError.self) { try parse(file: text) }
        #expect(error?.description == expected)
    }

    @Test func aConstantBehaviourMayBeRequested() throws {
        let values = try parse([
            "--jinja", "--cont-batching", "--offline", "--no-webui", "--cache-reuse", "0", "--no-mmproj", "--port", "1",
        ])
        #expect(values.integer(.port) == 1)
        #expect(values.notices.isEmpty)
    }

    @Test(arguments: [
        (["--no-jinja"], "--no-jinja has no effect: chat templates are always rendered as Jinja"),
        (["-nocb"], "-nocb has no effect: batching is always continuous"),
        (["-sps", "0.2"], "-sps has no effect: the slot with the longest common prefix is used"),
        (
            ["--threads-http", "8"],
            "--threads-http has no effect: connections are served by event loops, which need no thread each"
        ),
        (
            ["--lazy-mode", "on"], "--lazy-mode has no effect: libllama decides that itself"
        ),
        (
            ["--backend_sampling"],
            "--backend-sampling has no effect: the place of sampling does not change the tokens"
        ),
    ])
    func aFlagWithoutEffectIsAcceptedWithANotice(arguments: [String], expected: String) throws {
        let values = try parse(arguments + ["--port", "1"])
        #expect(values.integer(.port) == 1)
        #expect(values.notices == [expected])
    }

    // MARK: Variables of llama-server

    @Test(
        arguments: PeerFlags.all.filter { flag in if case .missing = flag.support { true } else { false } }.map(
            \.names))
    func aVariableIsRefusedAsItsFlagIs(names: [String]) throws {
        let (flag, support) = try #require(PeerFlags.find(names[0]))
        for name in flag.environmentNames {
            #expect(message([], environment: [name: "1"]) == PeerFlag.refusal(of: name, support))
        }
        #expect(message([names[0]] + Array(repeating: "1", count: flag.valueCount)).hasPrefix(names[0] + ": "))
    }

    @Test(arguments: [
        ("LLAMA_ARG_MMPROJ", "x"), ("LLAMA_ARG_MMPROJ_URL", "x"),
        ("LLAMA_ARG_UI_CONFIG", "x"), ("LLAMA_ARG_STATIC_PATH", "/www"),
    ])
    func anAbsentFlagIsNotIgnoredInTheEnvironment(name: String, value: String) {
        #expect(
            message([], environment: [name: value]).hasPrefix(
                "\(name): a flag of llama-server that martlet does not support yet "))
    }

    @Test(arguments: [
        ("LLAMA_ARG_UI", "off"), ("LLAMA_ARG_NO_UI", ""),
        ("LLAMA_ARG_NO_MMPROJ_AUTO", "1"),
        ("LLAMA_ARG_CACHE_REUSE", "0"), ("LLAMA_ARG_JINJA", "1"), ("LLAMA_ARG_HF_REPO", ""), ("HF_TOKEN", "x"),
        ("LLAMA_ARG_OFFLINE", "1"),
    ])
    func aVariableThatRequestsNothingIsAccepted(name: String, value: String) throws {
        #expect(try parse([], environment: [name: value]).notices.isEmpty)
    }

    @Test(arguments: ["LLAMA_ARG_JINJA", "LLAMA_ARG_NO_JINJA"]) func aVariableIsAcceptedWithANoticeAsItsFlagIs(
        name: String
    )
        throws
    {
        let values = try parse([], environment: [name: "0"])
        #expect(values.notices == ["\(name) has no effect: chat templates are always rendered as Jinja"])
    }

    @Test func variablesThatNothingReadsAreNamed() throws {
        let variables = [
            "LLAMA_ARG_CTX_SIZ", "LLAMA_ARG_SOMETHING", "MARTLET_PROT", "MARTLET_PORT", "LLAMA_ARG_NO_MMAP", "PATH",
            "MARTLET_SERVICE_HOST", "MARTLET_SERVICE_PORT", "MARTLET_PORT_8080_TCP", "MARTLET_PORT_8080_TCP_PROTO",
            "MARTLET_PORT_8080_TCP_ADDR", "MARTLET_KILLS", "LLAMA_ARG_NO_UI",
        ]
        let values = try SettingParser(command: .serve).parse(
            arguments: [], environment: { _ in nil }, variables: variables)
        #expect(
            values.notices == [
                "LLAMA_ARG_CTX_SIZ is not a setting; did you mean LLAMA_ARG_CTX_SIZE?",
                "LLAMA_ARG_SOMETHING is not a setting",
                "MARTLET_PROT is not a setting; did you mean MARTLET_PORT?",
            ])
    }

    // MARK: Overridden values

    @Test func whatIsOverriddenIsNotChecked() throws {
        #expect(try parse(["--port", "3"], environment: ["MARTLET_PORT": "x"]).integer(.port) == 3)
        #expect(try parse([], environment: ["MARTLET_PORT": "2", "LLAMA_ARG_PORT": "x"]).integer(.port) == 2)
        #expect(try parse(file: "port = x", arguments: ["--port", "3"]).integer(.port) == 3)
        #expect(try parse(file: "port = x", environment: ["MARTLET_PORT": "2"]).integer(.port) == 2)
        #expect(try parse(file: "mmap = x", arguments: ["--no-mmap"]).toggle(.memoryMap) == false)
    }

    @Test func settingsThatExcludeEachOtherOverrideEachOtherToo() throws {
        let environment = ["LLAMA_ARG_CHAT_TEMPLATE": "chatml"]
        #expect(
            try parse(["--chat-template-file", "x"], environment: environment)
                .chosen(of: .chatTemplate, .chatTemplateFile) == .chatTemplateFile)
        #expect(try parse([], environment: environment).chosen(of: .chatTemplate, .chatTemplateFile) == .chatTemplate)
        let values = try parse(["--chat-template-file", "x", "--chat-template", "y"], environment: environment)
        let error = #expect(throws: SettingError.self) { try values.chosen(of: .chatTemplate, .chatTemplateFile) }
        #expect(error?.description == "--chat-template and --chat-template-file are both set; leave one out")
    }

    @Test(arguments: ["tcp://10.96.0.7:8080", "udp://10.96.0.7:53", "tcp://[fd00::1]:80"])
    func theAddressOfAServiceOfThatNameIsNoSetting(link: String) throws {
        let values = try parse([], environment: ["MARTLET_PORT": link, "LLAMA_ARG_PORT": "7"])
        #expect(values.integer(.port) == 7)
        #expect(
            values.notices == [
                "MARTLET_PORT is ignored: '\(link)' is a service address that Kubernetes or Docker sets"
            ])
        #expect(try parse(["--port", "3"], environment: ["MARTLET_PORT": link]).integer(.port) == 3)
        #expect(message([], environment: ["MARTLET_PORT": "tcp://8080x"]).hasPrefix("MARTLET_PORT must be "))
    }

    // MARK: Spellings of llama-server

    @Test(arguments: [
        (["-fa", "1"], "on"), (["-fa", "true"], "on"), (["-fa", "enabled"], "on"), (["-fa", "on"], "on"),
        (["-fa"], "on"), (["-fa", "--port", "1"], "on"), (["-fa", "0"], "off"), (["-fa", "off"], "off"),
        (["-fa", "false"], "off"), (["-fa", "disabled"], "off"), (["-fa", "auto"], "auto"), (["-fa", "-1"], "auto"),
        (["--flash_attn=1"], "on"),
    ])
    func threeStatesHaveAllTheirWords(arguments: [String], expected: String) throws {
        #expect(try parse(arguments).text(.flashAttention) == expected)
    }

    @Test func llamaServersNumbersAreUnderstood() throws {
        #expect(try parse(["-np", "-1"]).integer(.parallel) == 4)
        #expect(try parse(["--timeout", "0"]).integer(.timeout) == 0)
        #expect(try parse(["-lv", "10"]).integer(.logVerbosity) == 10)
        #expect(try parse([], environment: ["LLAMA_ARG_TEMPERATURE": "0.5"]).number(.temperature) == 0.5)
        #expect(try parse(["-no-kvu", "-nr"]).toggle(.unifiedKV) == false)
        #expect(try parse(["-nr"]).toggle(.repack) == false)
    }

    @Test func repeatedListsAddUpWithinOneSource() throws {
        #expect(try parse(["--api-key", "a", "--api-key", "b,c"]).list(.apiKey) == ["a", "b", "c"])
        #expect(try parse(["--api-key", "a"], environment: ["LLAMA_API_KEY": "b"]).list(.apiKey) == ["a"])
        #expect(
            try parse(["--dry-sequence-breaker", ",", "--dry-sequence-breaker", "\\n"]).list(.drySequenceBreaker)
                == [",", "\\n"])
        #expect(try parse(file: "lora = a", "lora = b").list(.adapters) == ["a", "b"])
        #expect(try parse(["--lora", "\"a,b\",c , d"]).list(.adapters) == ["a,b", "c", "d"])
        #expect(try parse(["--lora", "\" a\"\"b \""]).list(.adapters) == [" a\"b "])
        #expect(
            message(["--api-key", "a", "--api-key", ","]) == "--api-key must be texts with commas between them, not ','"
        )
    }

    @Test func aFileAcceptsShortFlagsOfSeveralLetters() throws {
        let values = try parse(file: "np = 2", "ngl = 3", "fa = 1", "no-mmap")
        #expect(values.integer(.parallel) == 2)
        #expect(values.integer(.gpuLayers) == 3)
        #expect(values.text(.flashAttention) == "on")
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

    @Test func aWorkerAcceptsNoFlagOfTheEdge() {
        #expect(throws: SettingError.self) { try parse(["--port", "1"], command: .worker) }
    }
}
