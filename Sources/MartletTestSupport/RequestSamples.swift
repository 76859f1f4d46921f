/// Bodies of requests at and beyond the limits of every field, built from one table by a sequence of numbers.
///
/// Values are JSON texts, because many faults are not expressible as JSON values: malformed numbers, duplicate members.
/// The fuzz package links to this file, so it imports nothing.
package struct RequestSamples {
    /// The routes whose bodies the table describes, by their paths.
    package enum Route: String, CaseIterable, Sendable {
        case chat = "/v1/chat/completions"
        case text = "/v1/completions"
        case tokenize = "/tokenize"
        case detokenize = "/detokenize"
        case native = "/completion"
        case template = "/apply-template"
        case embeddings = "/v1/embeddings"
        case lookup = "/v1/streams/lookup"
    }

    /// A field of a body with the values to try.
    struct Field {
        /// The member's name in the body.
        var name: String
        /// Values at, below and above the field's limits, and further values with a meaning for it.
        var values: [String]
    }

    /// Returns a number from 0 to its argument minus 1. The argument is at least 1.
    private var choose: (Int) -> Int

    /// The function decides everything, so equal sequences give equal bodies: fuzz findings are reproducible.
    package init(choose: @escaping (Int) -> Int) { self.choose = choose }

    /// A body: mostly JSON, rarely a request that is accepted.
    /// - Parameter limits: members in front of all others. They replace members of the same name.
    package mutating func body(of route: Route, limits: [(name: String, value: String)] = []) -> String {
        var members = limits
        for (name, value) in Self.required(route) where choose(16) > 0 { members.append((name, value)) }
        let fields = Self.fields(of: route)
        for _ in 0...choose(4) {
            let field = fields[choose(fields.count)]
            guard !limits.contains(where: { $0.name == field.name }) else { continue }
            let name = choose(64) == 0 ? Self.unknownNames[choose(Self.unknownNames.count)] : field.name
            // Mostly once. Of two members with one name the parser decides which one counts.
            if choose(32) > 0 { members.removeAll { $0.name == name } }
            members.append((name, value(of: field, among: fields)))
        }
        let text = members.map { "\"\($0.name)\":\($0.value)" }.joined(separator: ",")
        switch choose(64) {
        case 0: return text
        case 1: return "{" + text
        case 2: return "[{\(text)}]"
        case 3: return "{\(text)}}"
        default: return "{\(text)}"
        }
    }

    /// A value of the field; in one of eight cases of another field, in two of eight a value that is wrong for most
    /// fields.
    private mutating func value(of field: Field, among fields: [Field]) -> String {
        switch choose(8) {
        case 0, 1: return Self.values[choose(Self.values.count)]
        case 2:
            let other = fields[choose(fields.count)]
            return other.values[choose(other.values.count)]
        default: return field.values[choose(field.values.count)]
        }
    }

    // MARK: The table

    /// The members without which a route refuses every body.
    private static func required(_ route: Route) -> [(String, String)] {
        switch route {
        case .chat, .template: [("messages", #"[{"role":"user","content":"hi"}]"#)]
        case .text, .native: [("prompt", #""hi""#)]
        case .tokenize: [("content", #""hi""#)]
        case .detokenize: [("tokens", "[1,2,3]")]
        case .embeddings: [("input", #"["a","b"]"#)]
        case .lookup: [("conversation_ids", #"["a"]"#)]
        }
    }

    /// The fields that the route reads, and fields that it refuses or ignores.
    private static func fields(of route: Route) -> [Field] {
        switch route {
        case .chat, .template: messages + completions
        case .text, .native: prompts + completions
        case .tokenize: [text("content"), flag("add_special"), flag("parse_special"), flag("with_pieces")]
        case .detokenize: [Field(name: "tokens", values: tokenLists)]
        case .embeddings:
            [
                Field(name: "input", values: promptValues), Field(name: "content", values: promptValues),
                text("model"), integer("embd_normalize", -1, 2_147_483_647), integer("dimensions", 1, 2_147_483_647),
                Field(name: "encoding_format", values: [#""float""#, #""base64""#, #""hex""#]),
            ]
        case .lookup: [Field(name: "conversation_ids", values: [#"["a","a"]"#, "[1]", "[null]", "[]", #""a""#])]
        }
    }

    /// A whole number with values at and next to its limits.
    private static func integer(_ name: String, _ lower: Int64, _ upper: Int64) -> Field {
        let values = [
            lower &- 1, lower, lower &+ 1, upper &- 1, upper, upper &+ 1, .min, .max,
        ].map { "\($0)" }
        return Field(name: name, values: values + ["\(lower).0", "\(lower).5", "1e0", "1e3", "\"\(lower)\""])
    }

    /// A number with very small, very large and negative values.
    private static func number(_ name: String) -> Field {
        Field(
            name: name,
            values: [
                "-1", "-0.0001", "-0.0", "0", "0.0001", "0.5", "0.99", "0.991", "1", "1.0001", "2", "3.4e38", "3.5e38",
                "-3.5e38", "1e-46", "1e308", "2147483648",
            ])
    }

    /// A switch. Wrong types come from the values of other fields.
    private static func flag(_ name: String) -> Field { Field(name: name, values: ["true", "false", "0", "1"]) }

    /// A text with empty, long and escaped values, with control tokens and with a broken surrogate pair.
    private static func text(_ name: String) -> Field {
        Field(
            name: name,
            values: [
                "\"\"", "\"x\"", #""\u0000""#, #""\ud800""#, #""\ud83d\ude00""#, #""<|im_end|>""#, #""{%""#,
                "\"" + String(repeating: "y", count: 5_000) + "\"",
            ])
    }

    /// Arrays of token ids with ids outside the vocabulary.
    private static let tokenLists = [
        "[]", "[0]", "[1,2,3]", "[-1]", "[255]", "[256]", "[99999999]", "[2147483648]", "[1.5]", #"["a"]"#, "[[1]]",
    ]
    /// Prompts as text, as tokens and as mixtures of both.
    private static let promptValues =
        tokenLists + [
            #""hi""#, "\"\"", #"["a","b"]"#, #"["a",1,2]"#, #"[["a"],[1]]"#, #"[[1,2],"a"]"#, "[[],[]]", "[null]",
            #"{"prompt_string":"a"}"#, #"{"prompt_string":1}"#, #"[{"prompt_string":"a"},"b"]"#,
            #"{"prompt_string":"a","multimodal_data":["x"]}"#,
            "[" + Array(repeating: "1", count: 3_000).joined(separator: ",") + "]",
        ]
    /// The fields of text completions alone.
    private static let prompts = [Field(name: "prompt", values: promptValues), flag("echo")]

    /// JSON Schemas, supported and unsupported ones.
    private static let schemas = [
        "{}", "true", "false", #"{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}"#,
        #"{"type":"string","pattern":"^a{1,1000000}$"}"#, ##"{"$ref":"#"}"##, ##"{"$ref":"#/nothing"}"##,
        #"{"type":"array","items":{"enum":[1,"a",null]},"minItems":1000000000}"#, #"{"type":["string",5]}"#,
        #"{"minimum":1e400}"#, #"{"anyOf":[]}"#, #"{"not":{}}"#, #"{"magic":1}"#,
    ]
    /// The fields of chat completions alone.
    private static let messages: [Field] = [
        Field(
            name: "messages",
            values: [
                "[]", #"[{"role":"user","content":"x"}]"#, #"[{"role":"user"}]"#, #"[{"role":"robot","content":"x"}]"#,
                #"[{"role":"user","content":null}]"#, #"[{"role":"assistant","content":null,"tool_calls":[]}]"#,
                #"[{"role":"assistant","content":[{"type":"refusal","refusal":"No"}],"refusal":null,"audio":null}]"#,
                #"[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{\"a\":[\"b"}}]},{"role":"user","content":"x"}]"#,
                #"[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"[1]"}}]}]"#,
                #"[{"role":"user","content":[]}]"#, "[1]", "[null]", "[[]]",
                #"[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]"#,
                #"[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:,"}}]}]"#,
                #"[{"role":"tool","content":"x"}]"#, #"[{"role":"assistant","content":"x"}]"#,
                #"[{"role":"user","content":"x"},{"role":"assistant","content":"y"}]"#,
                #"[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{"}}]}]"#,
                #"[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"function":{}}]},{"role":"tool","tool_call_id":"b","content":"1"}]"#,
                #"[{"role":"user","content":"x"},{"role":"assistant","content":"","reasoning_content":"z"}]"#,
                #"[{"role":"system","content":"<|im_end|>"},{"role":"developer","content":"d"},{"role":"user","content":"x"}]"#,
            ]),
        flag("add_generation_prompt"), flag("enable_thinking"),
        Field(
            name: "continue_final_message", values: ["true", "false", #""content""#, #""reasoning_content""#, #""x""#]),
        flag("parallel_tool_calls"),
        Field(
            name: "chat_template_kwargs",
            values: ["{}", #"{"enable_thinking":false}"#, #"{"enable_thinking":1}"#, #"{"messages":[]}"#]),
        Field(name: "reasoning_effort", values: [#""none""#, #""low""#, #""extreme""#]),
        Field(
            name: "reasoning_format", values: [#""none""#, #""auto""#, #""deepseek""#, #""deepseek-legacy""#, #""x""#]),
        integer("reasoning_budget_tokens", -1, 2_147_483_647), integer("thinking_budget_tokens", -1, 2_147_483_647),
        text("reasoning_budget_message"),
        Field(
            name: "tools",
            values: [
                "[]", "[1]", "[{}]", #"[{"type":"function","function":{"name":"f"}}]"#,
                #"[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"integer"}}}}}]"#,
                #"[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"f"}}]"#,
                #"[{"type":"function","function":{"name":"","parameters":5}}]"#,
                #"[{"type":"function","function":{"name":"f","parameters":{"type":"string"}}}]"#,
            ]),
        Field(
            name: "tool_choice",
            values: [
                #""none""#, #""auto""#, #""required""#, #""x""#, #"{"type":"function","function":{"name":"f"}}"#,
                #"{"type":"function","function":{"name":"g"}}"#, #"{"type":"allowed_tools"}"#, #""any""#,
                #"{"type":"tool","name":"f"}"#, #"{"type":"none"}"#, #"{"type":1}"#,
            ]),
    ]

    /// The fields of all completions, and fields of OpenAI that are refused.
    private static let completions: [Field] =
        [
            "repeat_penalty", "frequency_penalty", "presence_penalty", "top_p", "min_p", "top_n_sigma", "typical_p",
            "xtc_probability", "xtc_threshold", "temperature", "dynatemp_range", "dynatemp_exponent", "dry_multiplier",
            "dry_base", "mirostat_tau", "mirostat_eta", "adaptive_target", "adaptive_decay",
        ].map { number($0) }
        + [
            "repeat_last_n", "min_keep", "dry_allowed_length", "dry_penalty_last_n", "n_discard", "n_indent",
        ].map { integer($0, 0, 2_147_483_647) }
        + [
            "n_predict", "max_completion_tokens", "max_tokens", "t_max_predict_ms", "id_slot", "n_keep",
            "sse_ping_interval",
        ].map { integer($0, -1, 2_147_483_647) }
        + ["speculative.n_max", "speculative.n_min"].map { integer($0, 0, 1_024) } + [number("speculative.p_min")]
        + [
            Field(
                name: "speculative.types",
                values: [#""none""#, #""ngram-simple,draft-simple""#, #"["ngram-mod"]"#, #""draft-mtp""#, "[1]", "[]"])
        ]
        + ["n_probs", "top_logprobs", "logprobs"].map { integer($0, 0, 1_024) }
        + ["top_k", "mirostat"].map { integer($0, -2_147_483_648, 2_147_483_647) }
        + [integer("n", 1, 128), integer("n_cmpl", 1, 128), integer("seed", 0, 4_294_967_295)]
        + [
            "stream", "background", "ignore_eos", "cache_prompt", "return_progress", "timings_per_token",
            "return_tokens", "verbose", "post_sampling_probs", "logprobs",
        ].map { flag($0) }
        + ["model", "user", "suffix", "schema_mode", "schema_whitespace"].map { text($0) }
        + [
            Field(name: "stream_options", values: ["{}", #"{"include_usage":true}"#, #"{"include_usage":1}"#, "[]"]),
            Field(
                name: "stop",
                values: [
                    #""x""#, "[]", #"[""]"#, #"["a","b"]"#, "[1]",
                    "[" + Array(repeating: #""s""#, count: 65).joined(separator: ",") + "]",
                ]),
            Field(
                name: "samplers", values: [#"["top_k","magic"]"#, #""ktx""#, #""z""#, "[]", "[1]", #"["Top-P","dry"]"#]),
            Field(name: "dry_sequence_breakers", values: ["[]", #"["a"]"#, "[1]", #"[""]"#]),
            Field(
                name: "logit_bias",
                values: [
                    "[]", "{}", "[[1,2]]", "[[1,false]]", "[[-1,1]]", "[[256,1]]", "[[99999999,1]]", #"[["a",1]]"#,
                    #"{"1":1}"#, #"{"x":"y"}"#, "[[1,1e400]]", "[[1]]", "[5]", #"[["",1]]"#,
                ]),
            Field(
                name: "grammar",
                values: [
                    #""root ::= \"a\"""#, #""root ::= root""#, #""root ::= [""#, "\"\"", #""root ::= x""#,
                    #""root ::= \"a\"{1,1000000000}""#, #""root ::= <[99999999]>""#,
                ]),
            flag("grammar_lazy"),
            Field(name: "grammar_triggers", values: ["[]", "[1]", #"[{"type":0,"value":"a"}]"#, #"[{"type":9}]"#]),
            Field(name: "json_schema", values: schemas),
            Field(
                name: "response_format",
                values: [#"{"type":"text"}"#, #"{"type":"json_object"}"#, #"{"type":"x"}"#, "{}"]
                    + schemas.map { #"{"type":"json_schema","json_schema":{"schema":\#($0)}}"# }),
            Field(
                name: "structured_outputs",
                values: [
                    "{}", "[]", #"{"json":{"type":"integer"}}"#, #"{"json":"{"}"#, #"{"regex":"(a|b)*c"}"#,
                    #"{"regex":"(?=a{1,1000000})("}"#, #"{"choice":["a","ab"]}"#, #"{"choice":[]}"#,
                    #"{"grammar":"root ::= root"}"#, #"{"json_object":true,"regex":"a"}"#, #"{"structural_tag":"{}"}"#,
                ]),
            Field(name: "guided_regex", values: [#""[a-z]{1,9}""#, #""a)(b""#, #""\\p{L}{1,5000}""#, "1"]),
            Field(name: "guided_choice", values: [#"["yes","no"]"#, #"[""]"#, "{}"]),
            Field(name: "guided_json", values: schemas), Field(name: "guided_grammar", values: [#""root ::= x""#]),
            Field(
                name: "lora",
                values: ["[]", #"[{"id":0,"scale":1}]"#, #"[{"id":-1,"scale":1}]"#, "[1]", #"[{"id":0,"scale":"a"}]"#]),
            Field(name: "response_fields", values: ["[]", #"["content"]"#, #"["a/b/c"]"#, "[1]", #"["/"]"#]),
            Field(name: "best_of", values: ["1", "2"]), Field(name: "audio", values: ["{}"]),
            Field(name: "modalities", values: [#"["text"]"#, #"["audio"]"#]),
            Field(name: "functions", values: ["[]", "[{}]"]),
            Field(name: "metadata", values: ["{}", #"{"a":"b"}"#]), integer("n_cache_reuse", 0, 1),
        ]

    /// Values that no field accepts, or not this field.
    private static let values = [
        "null", "true", "false", "0", "-1", "1", "NaN", "nan", "Infinity", "-Infinity", "1e999", "-1e999", "1e-999",
        "-",
        "01", "0x1", "1.", "\"\"", "\"x\"", "\"\u{FEFF}\"", #""\u12""#, "\"\u{1}\"", "[]", "{}", "[[]]", "[{}]",
        "[null]",
        #"{"":null}"#, #"{"a":1,"a":2}"#, "[1,\"a\",null,{}]", "", "'x'", "/**/1", "99999999999999999999999999",
        String(repeating: "[", count: 600) + String(repeating: "]", count: 600),
        String(repeating: #"{"a":"#, count: 600) + "1" + String(repeating: "}", count: 600),
    ]
    /// Names that no field has, some of them similar to a field's name.
    private static let unknownNames = [
        "", "unknown", "Prompt", "\\u0070rompt", "__proto__", "temperature ", "n\\u0000",
    ]
}
