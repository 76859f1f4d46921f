import MartletAPI
import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams
import OrderedCollections
import Testing

/// Every field that is no sampling parameter: default, limits, aliases, null, wrong types, and its value in
/// `generation_settings`.
struct RequestFieldsTests {
    struct Field: Sendable {
        var name: String
        /// Other names of the field.
        var aliases: [String] = []
        /// The path in `generation_settings` and the value without the field; nil = not shown.
        var setting: (name: String, standard: JSONValue)?
        /// Accepted values, and the values that are shown then.
        var taken: [(JSONValue, JSONValue)]
        var refused: [JSONValue]
    }

    private static let most = JSONValue.integer(2_147_483_647)
    private static let over = JSONValue.integer(2_147_483_648)

    private static func count(
        _ name: String, aliases: [String] = [], setting: String? = nil, standard: JSONValue = 0, from lowest: Int64 = 0,
        upTo highest: JSONValue = most, over: JSONValue = over
    ) -> Field {
        Field(
            name: name, aliases: aliases, setting: (name: setting ?? name, standard: standard),
            taken: [(.integer(lowest), .integer(lowest)), (1, 1), (highest, highest), (.number(3), 3)],
            refused: [.integer(lowest - 1), over, 1.5, .number(1e300), "1", true, [1], ["a": 1]])
    }

    private static func flag(_ name: String, shown: Bool = true, standard: JSONValue = false) -> Field {
        Field(
            name: name, setting: shown ? (name: name, standard: standard) : nil, taken: [(true, true), (false, false)],
            refused: [0, "true", [], [:]])
    }

    static let fields: [Field] = [
        count("n_predict", aliases: ["max_tokens", "max_completion_tokens"], standard: -1, from: -1),
        count("n_indent"), count("n_keep", from: -1), count("n_discard"), count("id_slot", standard: -1, from: -1),
        count("n_probs", upTo: 1_024, over: 1_025),
        Field(
            name: "t_max_predict_ms", setting: (name: "t_max_predict_ms", standard: -1),
            taken: [(-1, -1), (0, -1), (5, 5), (most, most)], refused: [-2, over, 0.5, "1", true, [1]]),
        Field(
            name: "sse_ping_interval", taken: [(-1, .null), (0, .null), (3, .null)], refused: [-2, over, "1", true]),
        Field(
            name: "n", aliases: ["n_cmpl"], taken: [(1, .null), (128, .null)], refused: [0, 129, -1, 1.5, "2", [1]]),
        Field(
            name: "speculative.types", aliases: ["speculative.type"],
            setting: (name: "speculative.types", standard: "none"),
            taken: [
                ("none", "none"), ("ngram-simple", "ngram-simple"),
                (["draft-simple", "ngram-mod"], "draft-simple,ngram-simple"),
                ("ngram-cache,ngram-simple", "ngram-simple"), ([], "none"),
            ],
            refused: ["draft-mtp", "x", 1, true, [:], [1]]),
        Field(
            name: "speculative.n_max", taken: [(0, .null), (1_024, .null)], refused: [-1, 1_025, 1.5, "1", true, [1]]),
        Field(
            name: "speculative.n_min", taken: [(0, .null), (1_024, .null)], refused: [-1, 1_025, 1.5, "1", true, [1]]),
        Field(name: "speculative.p_min", taken: [(0.5, .null), (2, .null)], refused: ["1", true, [1]]),
        flag("ignore_eos"), flag("cache_prompt", standard: true), flag("stream"), flag("timings_per_token"),
        flag("post_sampling_probs"), flag("return_progress", shown: false),
        flag("return_tokens", shown: false),
        flag("verbose", shown: false), flag("echo", shown: false),
        Field(
            name: "stop", setting: (name: "stop", standard: []),
            taken: [("a", ["a"]), (["a", "b", "a", ""], ["a", "b"]), ([], [])],
            refused: [1, true, [:], [1], .array((0...256).map { .string("\($0)") })]),
        Field(
            name: "response_fields", taken: [([], .null), (["a/b"], .null)],
            refused: ["a", [1], [:], .array(Array(repeating: "a", count: 257))]),
        Field(
            name: "lora", setting: (name: "lora", standard: []),
            taken: [
                ([], []), ([["id": 0, "scale": 0.5]], [["id": 0, "scale": 0.5]]),
                ([["id": 1], ["id": 1, "scale": 2]], [["id": 1, "scale": 2.0]]),
            ],
            refused: [
                1, [:], [1], [["scale": 1]], [["id": -1]], [["id": 0.5]], [["id": 0, "scale": "1"]],
                [["id": 0, "scale": .number(1e300)]],
            ]),
    ]

    private func options(_ members: JSONObject) throws -> CompletionOptions {
        var body: JSONObject = ["prompt": "x"]
        body.merge(members) { $1 }
        return try TextCompletionRequest(.object(body), defaults: CompletionDefaults(), randomSeed: 7).options
    }

    @Test(arguments: fields) func everyFieldHasItsRule(_ field: Field) throws {
        let untouched = try options([:])
        if let setting = field.setting { #expect(untouched.settings()[setting.name] ?? .null == setting.standard) }
        for name in [field.name] + field.aliases {
            #expect(try options([name: .null]) == untouched, "\(name) null")
            for (value, shown) in field.taken {
                let options = try options([name: value])
                guard let setting = field.setting else { continue }
                #expect(options.settings()[setting.name] == shown, "\(name): \(value.text)")
            }
            for value in field.refused {
                let error = #expect(throws: APIError.self, "\(name): \(value.text)") { try options([name: value]) }
                #expect(error?.status == 400)
                #expect(error?.field?.hasPrefix(name) == true, "\(name): \(error?.message ?? "")")
            }
        }
    }

    @Test func twoHundredAndFiftySixStopTextsAreAccepted() throws {
        let texts = (0..<256).map { JSONValue.string("\($0)") }
        #expect(try options(["stop": .array(texts)]).settings()["stop"] == .array(texts))
    }

    @Test func theServerSaysWhatVerboseMeansWhereARequestDoesNot() throws {
        var defaults = CompletionDefaults()
        defaults.isVerbose = true
        for (fields, expected) in [([:], true), (["verbose": false], false), (["verbose": true], true)]
            as [(JSONObject, Bool)]
        {
            let body = JSONValue.object(fields.merging(["prompt": "x"]) { $1 })
            let request = try TextCompletionRequest(body, defaults: defaults, randomSeed: 0)
            #expect(request.options.responseFields.isVerbose == expected)
        }
    }

    @Test func settingsReportTheConstraint() throws {
        let settings = try options([
            "grammar": "root ::= \"a\"", "grammar_lazy": true, "grammar_triggers": [["type": 1, "value": "a"]],
            "reasoning_format": "none",
        ]).settings()
        #expect(settings["grammar"] == "root ::= \"a\"")
        #expect(settings["grammar_lazy"] == true)
        #expect(settings["grammar_triggers"] == [["type": 1, "value": "a"]])
        #expect(settings["reasoning_format"] == "none")
        #expect(settings["reasoning_in_content"] == false)
        #expect(try options([:]).settings()["grammar_lazy"] == false)
        let legacy = try options(["reasoning_format": "deepseek-legacy", "stream": true]).settings()
        #expect(legacy["reasoning_in_content"] == true)
    }

    @Test func ignoredEndTokensAreReportedAsBans() throws {
        let bans: JSONValue = [["token": 2, "bias": .null], ["token": 7, "bias": .null]]
        func shown(_ fields: JSONObject) throws -> JSONValue? {
            try options(fields).settings(endTokens: [2, 7]).objectValue?["logit_bias"]
        }
        #expect(try shown(["ignore_eos": true]) == bans)
        #expect(try shown([:]) == [])
        #expect(
            try shown(["ignore_eos": true, "logit_bias": [[5, 1]]])
                == .array([["token": 5, "bias": 1.0]] + (bans.arrayValue ?? [])))
    }

    @Test func shiftingIsForTheServerToAllow() throws {
        let body: JSONValue = ["prompt": "x", "n_keep": 5, "n_discard": 3]
        var defaults = CompletionDefaults()
        let handle = GenerationHandle(rawValue: 1)
        let prompt = PreparedPrompt(prompt: Prompt(pieces: [], addsBeginning: true))
        let without = try TextCompletionRequest(body, defaults: defaults, randomSeed: 0)
        #expect(without.options.request(handle: handle, prompt: prompt).parameters.contextShift == nil)
        defaults.shiftsContext = true
        let with = try TextCompletionRequest(body, defaults: defaults, randomSeed: 0)
        #expect(
            with.options.request(handle: handle, prompt: prompt).parameters.contextShift
                == ContextShift(keep: 5, discard: 3))
    }

    @Test func laterChoicesShareThePromptAndSampleDifferently() throws {
        let options = try options(["n": 3, "seed": 10, "id_slot": 2, "return_progress": true])
        let handles = (20..<23).map { GenerationHandle(rawValue: $0) }
        let requests = handles.enumerated().map { choice, handle in
            options.request(
                handle: handle, prompt: PreparedPrompt(prompt: Prompt(pieces: [], addsBeginning: true)), choice: choice)
        }
        #expect(requests.map(\.sharedPrefillParent) == [nil, handles[0], handles[0]])
        #expect(requests.map(\.parameters.sampling.seed) == [10, 11, 12])
        #expect(requests.map(\.parameters.slot) == [2, nil, nil])
        #expect(requests.map(\.parameters.reportsProgress) == [true, false, false])
    }

    @Test func aRequestOwnsItsAdaptersOrHasTheServers() throws {
        let server = [AdapterScale(index: 0, scale: 1)]
        let prompt = PreparedPrompt(prompt: Prompt(pieces: [], addsBeginning: true), adapters: server)
        let handle = GenerationHandle(rawValue: 1)
        #expect(try options([:]).request(handle: handle, prompt: prompt).adapters == server)
        #expect(try options(["lora": []]).request(handle: handle, prompt: prompt).adapters == [])
    }
}
