import Foundation
import MartletAPI
import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletServer
import OrderedCollections
import Testing

@testable import MartletCommands

/// Flags of llama-server that configure responses, routes and addresses.
@Suite struct ServerSettingTests {
    private func samplingDefaults(_ arguments: [String]) throws -> CompletionDefaults {
        try ServerConfiguration(try SettingParser(command: .serve).parse(arguments: arguments) { _ in nil })
            .completionDefaults
    }

    // MARK: Defaults of answers

    private func request(_ body: JSONValue, _ arguments: [String]) throws -> ChatCompletionRequest {
        try ChatCompletionRequest(body, defaults: try samplingDefaults(arguments), randomSeed: 1)
    }

    private static let hello: JSONValue = ["messages": [["role": "user", "content": "Hi"]]]

    private func hello(_ members: JSONObject) -> JSONValue {
        .object((Self.hello.objectValue ?? [:]).merging(members) { $1 })
    }

    @Test func aGrammarOrASchemaAppliesWhereARequestNamesNone() throws {
        let grammar = ["--grammar", "root ::= \"yes\" | \"no\""]
        #expect(try request(Self.hello, []).options.constraint == nil)
        #expect(try request(Self.hello, grammar).options.constraint != nil)
        #expect(try request(hello(["grammar": ""]), grammar).options.constraint == nil)
        let schema = try request(hello(["json_schema": ["type": "integer"]]), []).options
        #expect(
            try request(hello(["json_schema": ["type": "integer"]]), grammar).options.constraint == schema.constraint)
        #expect(
            try request(Self.hello, ["-j", #"{"type":"integer"}"#]).options.schemaGrammar == schema.schemaGrammar)
        #expect(schema.schemaGrammar != nil)
    }

    @Test func aGrammarAndASchemaCanStandInFiles() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID())")
        defer { try? FileManager.default.removeItem(at: path) }
        try Data("root ::= [0-9]".utf8).write(to: path)
        #expect(try samplingDefaults(["--grammar-file", path.path]).constraint != nil)
        try Data(#"{"type":"null"}"#.utf8).write(to: path)
        #expect(try samplingDefaults(["-jf", path.path]).schema != nil)
    }

    @Test(arguments: [
        (["--grammar", "root ::= ("], "--grammar: "), (["-j", "{"], "--json-schema: not JSON: "),
        (["--schema-mode", "strict", "-j", #"{"type":"nothing"}"#], "--json-schema: "),
        (["-jf", "/nowhere"], "--json-schema-file: cannot read /nowhere"),
        (["--grammar", "root ::= [0-9]", "-j", "{}"], "--grammar and --json-schema are both set; leave one out"),
    ])
    func aGrammarOrSchemaThatIsNoneIsRefusedAtStart(arguments: [String], expected: String) {
        let error = #expect(throws: SettingError.self) { try samplingDefaults(arguments) }
        #expect(error?.description.hasPrefix(expected) == true, "\(error?.description ?? "")")
    }

    @Test func outputDefaultsYieldToRequests() throws {
        let arguments = ["-r", "User:", "-r", "\\n", "--no-cache-prompt", "--no-prefill-assistant", "-v"]
        let defaults = try samplingDefaults(arguments)
        #expect(defaults.stops == ["User:", "\n"])
        #expect(try samplingDefaults(["--no-escape", "-r", "\\n"]).stops == ["\\n"])
        #expect(!defaults.reusesPrompt)
        #expect(try request(Self.hello, arguments).options.responseFields.isVerbose)
        #expect(try request(Self.hello, ["-lv", "10"]).options.responseFields.isVerbose)
        #expect(try !request(Self.hello, ["-lv", "5"]).options.responseFields.isVerbose)
        #expect(try !request(hello(["verbose": false]), arguments).options.responseFields.isVerbose)
        let begun: JSONValue = [
            "messages": [["role": "user", "content": "Hi"], ["role": "assistant", "content": "He"]]
        ]
        #expect(try request(begun, []).continuation == .any)
        #expect(try request(begun, arguments).continuation == nil)
        let stops = try request(hello(["stop": "x"]), arguments).options
            .request(
                handle: GenerationHandle(rawValue: 1),
                prompt: PreparedPrompt(prompt: Prompt(pieces: [], addsBeginning: true))
            ).parameters.stops
        #expect(stops == ["x"])
        let ownStops = try request(Self.hello, arguments).options
            .request(
                handle: GenerationHandle(rawValue: 1),
                prompt: PreparedPrompt(prompt: Prompt(pieces: [], addsBeginning: true)))
        #expect(ownStops.parameters.stops == ["User:", "\n"] && !ownStops.parameters.reusesPrompt)
    }

    private func server(_ arguments: String...) throws -> ServerConfiguration {
        try ServerConfiguration(try SettingParser(command: .serve).parse(arguments: arguments) { _ in nil })
    }

    @Test func reasoningFlagsAreArgumentsOfTheTemplate() throws {
        #expect(try server().templateArguments.isEmpty)
        #expect(try server("--reasoning", "auto").templateArguments.isEmpty)
        #expect(try server("-rea", "on").templateArguments == ["enable_thinking": true])
        #expect(try server("-rea", "0").templateArguments == ["enable_thinking": false])
        #expect(
            try server("--reasoning-effort", "high", "--chat-template-kwargs", #"{"a":1}"#).templateArguments
                == ["a": 1, "reasoning_effort": "high", "reasoning_strength": "high"])
        #expect(try server("--reasoning-effort", "none").templateArguments == ["enable_thinking": false])
        let preserving = try server("--reasoning-preserve").templateArguments
        #expect(preserving["preserve_thinking"] == true && preserving["clear_thinking"] == false)
        #expect(try server("--no-reasoning-preserve").templateArguments["clear_thinking"] == true)
    }

    @Test func furtherServerFlagsReachTheServer() throws {
        #expect(try server("--tags", "a, b").modelTags == ["a", "b"])
        #expect(try server("--skip-chat-parsing").skipsChatParsing)
        #expect(try server("--embd-normalize", "-1").embeddingNormalization == EmbeddingNormalization.none)
        #expect(try server("--embd-normalize", "3").embeddingNormalization == .power(3))
    }

    @Test func textsOfCORSHeadersMayBeEmpty() throws {
        let policy = try server("--cors-origins", "", "--cors-methods=", "--cors-headers", "").crossOrigin
        #expect(policy.origins == .literal("") && policy.methods.isEmpty && policy.headers.isEmpty)
        #expect(policy.isExplicit)
    }

    // MARK: Addresses

    @Test(arguments: ["http://127.0.0.1", "https://localhost:9000", "HTTP://[::1]", "https://x.sock"])
    func aHostHasNoScheme(text: String) {
        let error = #expect(throws: SettingError.self) { try server("--host", text) }
        #expect(error?.description.hasPrefix("--host must be an address") == true)
        #expect(error?.description.contains("not '\(text)'; it has no scheme: HTTPS is served where --ssl") == true)
    }

    @Test func hostsMayBeSeveralAndNameThePort() throws {
        #expect(try server("--host", "127.0.0.1,::1").addresses.map(\.name) == ["127.0.0.1", "::1"])
        #expect(try server("--host", "[::1]", "--host", "x.sock").addresses.map(\.name) == ["::1", "x.sock"])
        #expect(try server("--host", "localhost:9000").port == 9000)
        #expect(try server("--host", "127.0.0.1:9000", "--port", "9000").port == 9000)
        let values = try SettingParser(command: .serve).parse(arguments: ["--port", "7"]) {
            $0 == "LLAMA_ARG_HOST" ? "127.0.0.1:9000" : nil
        }
        #expect(try ServerConfiguration(values).port == 7)
    }

    @Test(arguments: [
        (["--host", "127.0.0"], "--host must be an address of this machine such as 127.0.0.1 or [::1], "),
        (["--host", "x/y"], "--host must be an address"),
        (["--host", "127.0.0.1:1", "--port", "2"], "--host names port 1 and --port is 2; leave one out"),
        (
            ["--host", "127.0.0.1:1,[::1]:2"],
            "--host names several ports, 1 and 2; all addresses have the same port, see --port"
        ),
        (["--host", "127.0.0.1,::1", "--port", "0"], "--port 0 needs a single address in --host"),
    ])
    func aHostThatIsNoneIsRefusedByItsRule(arguments: [String], expected: String) {
        let error = #expect(throws: SettingError.self) {
            try ServerConfiguration(try SettingParser(command: .serve).parse(arguments: arguments) { _ in nil })
        }
        #expect(error?.description.hasPrefix(expected) == true, "\(error?.description ?? "")")
    }
}
