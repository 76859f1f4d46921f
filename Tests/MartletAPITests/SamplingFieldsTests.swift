import MartletAPI
import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams
import OrderedCollections
import Testing

struct SamplingFieldsTests {
    private func request(_ fields: JSONObject) throws -> GenerationRequest {
        var body: JSONObject = ["prompt": "x"]
        body.merge(fields) { $1 }
        return try TextCompletionRequest(.object(body), defaults: CompletionDefaults(), randomSeed: 7).options.request(
            handle: GenerationHandle(rawValue: 1),
            prompt: PreparedPrompt(prompt: Prompt(pieces: [], addsBeginning: true)))
    }

    struct NumberField: Sendable {
        var name: String
        /// The value in the request and the engine's value; nil = refused.
        var values: [(Double, Double?)]
        var read: @Sendable (SamplingParameters) -> Double
    }

    private static func float(
        _ name: String, _ values: [(Double, Double?)], _ read: @escaping @Sendable (SamplingParameters) -> Float
    ) -> NumberField {
        NumberField(name: name, values: values) { Double(read($0).description) ?? .nan }
    }

    private static func integer(
        _ name: String, _ values: [(Double, Double?)], _ read: @escaping @Sendable (SamplingParameters) -> Int
    ) -> NumberField {
        NumberField(name: name, values: values) { Double(read($0)) }
    }

    private static let anything: [(Double, Double?)] = [(-3, -3), (0, 0), (0.25, 0.25), (1e6, 1e6), (1e300, nil)]
    private static let share: [(Double, Double?)] = [(-0.1, 0), (0, 0), (0.5, 0.5), (1, 1), (1.1, 1), (-1e300, nil)]
    private static let count: [(Double, Double?)] = [
        (-1, nil), (0, 0), (1, 1), (2_147_483_647, 2_147_483_647), (2_147_483_648, nil), (1.5, nil), (1e300, nil),
    ]

    static let fields: [NumberField] = [
        integer("repeat_last_n", count, \.repeatLastN), float("frequency_penalty", anything, \.frequencyPenalty),
        float("presence_penalty", anything, \.presencePenalty),
        float(
            "repeat_penalty", [(0, nil), (-1, nil), (1e-40, nil), (0.5, 0.5), (2, 2), (1e300, nil)], \.repeatPenalty),
        integer("top_k", [(-1, 0), (0, 0), (5, 5), (2_147_483_648, nil), (0.5, nil)], \.topK),
        float("top_p", share, \.topP), float("min_p", share, \.minP), float("top_n_sigma", anything, \.topNSigma),
        float("typical_p", anything, \.typicalP), float("xtc_probability", share, \.xtcProbability),
        float("xtc_threshold", share, \.xtcThreshold), integer("min_keep", count, \.minKeep),
        float("temperature", [(-1, 0), (0, 0), (0.7, 0.7), (50, 50), (1e300, nil)], \.temperature),
        float("dynatemp_range", anything, \.dynamicTemperatureRange),
        float("dynatemp_exponent", anything, \.dynamicTemperatureExponent),
        float("dry_multiplier", anything, \.dry.multiplier),
        float("dry_base", [(0.9, 1.75), (1, 1), (3, 3), (1e300, nil)], \.dry.base),
        integer("dry_allowed_length", count, \.dry.allowedLength), integer("dry_penalty_last_n", count, \.dry.lastN),
        NumberField(name: "mirostat", values: [(-1, 0), (0, 0), (1, 1), (2, 2), (3, 2), (0.5, nil), (1e10, nil)]) {
            Double($0.mirostat.rawValue)
        },
        float("mirostat_tau", anything, \.mirostatTau), float("mirostat_eta", anything, \.mirostatEta),
        float("adaptive_target", [(-2, -2), (0.5, 0.5), (1, 1), (2, 1), (1e300, nil)], \.adaptiveTarget),
        float("adaptive_decay", [(-0.1, nil), (0, 0), (0.99, 0.99), (1, nil)], \.adaptiveDecay),
    ]

    @Test(arguments: fields) func everyNumberHasItsLimits(_ field: NumberField) throws {
        let untouched = try request([:]).parameters.sampling
        for (value, expected) in field.values {
            let json = Int64(exactly: value).map { JSONValue.integer($0) } ?? .number(value)
            guard let expected else {
                let error = #expect(throws: APIError.self, "\(field.name): \(value)") {
                    try request([field.name: json])
                }
                #expect(error?.field == field.name)
                #expect(error?.status == 400)
                continue
            }
            #expect(
                field.read(try request([field.name: json]).parameters.sampling) == expected, "\(field.name): \(value)")
        }
        #expect(try request([field.name: .null]).parameters.sampling == untouched)
        for wrong: JSONValue in ["1", true, [1], ["a": 1]] {
            #expect(throws: APIError.self, "\(field.name): \(wrong)") { try request([field.name: wrong]) }
        }
    }

    @Test(
        arguments: [
            (["top_k", "temp"], [.topK, .temperature]), ("ktx", [.topK, .temperature, .xtc]), ([], []), ("", []),
            (
                ["Top-P", "minp", "typ", "nucleus", "TOP_N_SIGMA", "adaptive-p", "dry", "penalties", "typ_p", "xtc"],
                [.topP, .minP, .typicalP, .topP, .topNSigma, .adaptiveP, .dry, .penalties, .typicalP, .xtc]
            ), ("edskypmxta", SamplerKind.allCases),
        ] as [(JSONValue, [SamplerKind])])
    func samplersAreNamesOrLetters(value: JSONValue, expected: [SamplerKind]) throws {
        #expect(try request(["samplers": value]).parameters.sampling.samplers == expected)
    }

    @Test(
        arguments: [
            (["samplers": [1]], "samplers[0]", "penalties"), (["samplers": 5], "samplers", "letters"),
            (["samplers": .string(String(repeating: "k", count: 65))], "samplers", "65"),
            (["dry_sequence_breakers": []], "dry_sequence_breakers", "1 to 64"),
            (["dry_sequence_breakers": ["a", 5]], "dry_sequence_breakers[1]", "a string"),
            (["dry_sequence_breakers": "a"], "dry_sequence_breakers", "an array"),
            (["logit_bias": 5], "logit_bias", "a list of pairs"), (["logit_bias": [5]], "logit_bias[0]", "a pair"),
            (["logit_bias": [[1, 2, 3]]], "logit_bias[0]", "a pair"),
            (["logit_bias": [[1, 2], [1, true]]], "logit_bias[1]", "false"),
            (["logit_bias": [[1.5, 2]]], "logit_bias[0]", "an id"),
            (["logit_bias": ["": 2]], "logit_bias.", "1 to"), (["logit_bias": ["5": "x"]], "logit_bias.5", "finite"),
            (["logit_bias": [["a", 1e300]]], "logit_bias[0]", "finite"),
            (["top_logprobs": 3], "top_logprobs", "logprobs"),
            (["logprobs": false, "top_logprobs": 3], "top_logprobs", "logprobs"),
            (["n_probs": -1], "n_probs", "-1"), (["n_probs": 1025], "n_probs", "1025"),
            (["n_probs": "5"], "n_probs", "an integer"), (["logprobs": "yes"], "logprobs", "an integer"),
            (["logprobs": 1025], "logprobs", "1025"), (["logprobs": true, "top_logprobs": -1], "top_logprobs", "-1"),
            (["post_sampling_probs": 1], "post_sampling_probs", "a boolean"),
        ] as [(JSONObject, String, String)])
    func aBadFieldIsRefusedByNameRuleAndValue(fields: JSONObject, name: String, part: String) throws {
        let error = #expect(throws: APIError.self) { try request(fields) }
        #expect(error?.kind == .invalidRequest)
        #expect(error?.field == name)
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
    }

    /// Presets of older versions name samplers that no longer exist.
    @Test(
        arguments: [
            (["samplers": ["top_k", "tfs_z", "typical_p"]], ["samplers[1]"], [.topK, .typicalP]),
            (["samplers": "kfyz"], ["\"f\"", "\"z\""], [.topK, .typicalP]),
            (["samplers": ["magic"]], ["magic"], []),
        ] as [(JSONObject, [String], [SamplerKind])])
    func unknownSamplersAreOmittedWithAWarning(fields: JSONObject, parts: [String], kinds: [SamplerKind]) throws {
        #expect(try request(fields).parameters.sampling.samplers == kinds)
        let warnings = try CompletionOptions.of(fields).warnings
        #expect(warnings.count == parts.count)
        for (warning, part) in zip(warnings, parts) { #expect(warning.contains(part), "\(warning)") }
        var defaults = CompletionDefaults()
        #expect(try defaults.readSampling(fields) == warnings)
        #expect(defaults.sampling.samplers == kinds)
        // Control commands have no member for warnings.
        #expect(throws: APIError.self) {
            try ControlRequest(["action": "set", "changes": .object(fields)], settings: AdjustableSettings())
        }
    }

    @Test func idsThatNoVocabularyHasAreOmittedWithAWarning() throws {
        for (value, part) in [
            ([[-1, 2], [5, 1]], "-1"), (["4294967296": 2, "5": 1], "4294967296"),
            ([[.integer(.max), false], [5, 1]], "\(Int64.max)"),
            ([[.largeInteger("18446744073709551616"), 1], [5, 1]], "18446744073709551616"),
            (["18446744073709551616": 2, "5": 1], "18446744073709551616"),
            (["-99999999999999999999": 2, "5": 1], "-9999"),
        ] as [(JSONValue, String)] {
            #expect(
                try request(["logit_bias": value]).parameters.sampling.logitBiases == [LogitBias(.token(5), bias: 1)])
            let warnings = try CompletionOptions.of(["logit_bias": value]).warnings
            #expect(warnings.count == 1)
            #expect(warnings.first?.contains(part) == true)
        }
    }

    @Test func idsBeyondTheModelsVocabularyAreNamed() throws {
        let options = try CompletionOptions.of(["logit_bias": [[5, 1], [256, 1], ["a", 1], [9_999, false]]])
        #expect(options.unknownTokens(vocabularySize: 256) == [256, 9_999])
        var prompt = PreparedPrompt(prompt: Prompt(pieces: [], addsBeginning: true))
        prompt.unknownTokens = [256, 9_999]
        let sent = options.request(handle: GenerationHandle(rawValue: 1), prompt: prompt)
        #expect(
            sent.parameters.sampling.logitBiases == [LogitBias(.token(5), bias: 1), LogitBias(.text("a"), bias: 1)])
    }

    @Test func biasesAreIdsTextsAndBans() throws {
        let expected = [
            LogitBias(.token(5), bias: 1.5), LogitBias(.text(" hi"), bias: -2), LogitBias(.token(7), bias: -.infinity),
        ]
        #expect(
            try request(["logit_bias": [[5, 1.5], [" hi", -2], [7, false]]]).parameters.sampling.logitBiases == expected
        )
        #expect(
            try request(["logit_bias": ["5": 1.5, " hi": -2, "7": false]]).parameters.sampling.logitBiases == expected)
        #expect(try request(["logit_bias": []]).parameters.sampling.logitBiases.isEmpty)
    }

    /// Minus one = no probabilities.
    @Test(
        arguments: [
            ([:], -1), (["logprobs": true], 20), (["logprobs": false], -1), (["logprobs": true, "top_logprobs": 5], 5),
            (["logprobs": true, "top_logprobs": 0], 0), (["logprobs": 4], 4), (["logprobs": 0], 0),
            (["n_probs": 0], -1), (["n_probs": 1024], 1024), (["n_probs": 3, "logprobs": 9], 3),
            (["post_sampling_probs": true], -1), (["n_probs": .null, "logprobs": .null, "top_logprobs": .null], -1),
        ] as [(JSONObject, Int)])
    func probabilitiesAreRequestedInThreeWays(fields: JSONObject, count: Int) throws {
        let expected = count < 0 ? nil : ProbabilityRequest(count: count)
        #expect(try request(fields).parameters.probabilities == expected)
    }

    @Test func probabilitiesCanBeThoseAfterSampling() throws {
        let request = try request(["n_probs": 3, "post_sampling_probs": true])
        #expect(request.parameters.probabilities == ProbabilityRequest(count: 3, stage: .afterSampling))
    }

    @Test func propertiesShowEveryParameterWithItsDefault() throws {
        let body = ServerBodies.properties(
            model: ModelInformation(), name: "m", chatTemplate: "", capabilities: [:], defaults: CompletionDefaults(),
            endpoints: (slots: true, metrics: true, properties: false, history: false), build: "b1")
        let settings = try #require(body["default_generation_settings"]?["params"])
        for field in Self.fields { #expect(settings[field.name] != nil, "\(field.name)") }
        #expect(
            settings["samplers"] == [
                "penalties", "dry", "top_n_sigma", "top_k", "typ_p", "top_p", "min_p", "xtc", "temperature",
            ])
        #expect(settings["dry_sequence_breakers"] == ["\n", ":", "\"", "*"])
    }
}
