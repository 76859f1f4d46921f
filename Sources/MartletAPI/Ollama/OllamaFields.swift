import MartletGenerations
import MartletJSON
import MartletModels
import MartletProtocol
import MartletStreams
import OrderedCollections

/// The fields that `/api/chat` and `/api/generate` share.
///
/// Example: `options.num_predict` is `n_predict` of the other dialects. The values are translated and read by the
/// readers that all dialects share; errors and warnings have Ollama's names.
enum OllamaFields {
    /// Names in `options`, and the shared names. The values are the same.
    private static let options: [(own: String, shared: String)] = [
        ("num_predict", "n_predict"), ("temperature", "temperature"), ("top_k", "top_k"), ("top_p", "top_p"),
        ("min_p", "min_p"), ("typical_p", "typical_p"), ("seed", "seed"), ("stop", "stop"),
        ("repeat_penalty", "repeat_penalty"), ("repeat_last_n", "repeat_last_n"),
        ("presence_penalty", "presence_penalty"), ("frequency_penalty", "frequency_penalty"),
        ("mirostat", "mirostat"), ("mirostat_tau", "mirostat_tau"), ("mirostat_eta", "mirostat_eta"),
        ("num_keep", "n_keep"),
    ]

    /// Names in `options` that the flags of the server decide, with the flag.
    private static let flags: [(name: String, flag: String)] = [
        ("num_ctx", "--ctx-size"), ("num_batch", "--batch-size"), ("num_gpu", "--n-gpu-layers"),
        ("main_gpu", "--main-gpu"), ("num_thread", "--threads"), ("use_mmap", "--mmap"), ("use_mlock", "--mlock"),
        ("numa", "--numa"), ("f16_kv", "--cache-type-k"), ("rope_frequency_base", "--rope-freq-base"),
        ("rope_frequency_scale", "--rope-freq-scale"),
    ]

    /// Names in `options` of older versions of Ollama, which current versions ignore as well.
    private static let older = ["low_vram", "vocab_only", "logits_all", "embedding_only", "penalize_newline", "tfs_z"]

    /// Reads the fields that decide the options of a completion.
    ///
    /// A stream is the default, unlike in all other dialects.
    /// - Throws: `invalidRequest` that names the field in Ollama's spelling.
    static func completionOptions(
        _ fields: FieldReader, defaults: CompletionDefaults, randomSeed: UInt64
    ) throws(APIError) -> CompletionOptions {
        var shared: JSONObject = ["stream": .bool(try fields.bool("stream") ?? true)]
        var warnings: [String] = []
        if let model = try fields.string("model") { shared["model"] = .string(modelName(model)) }
        if let options = try fields.object("options") {
            for (own, name) in Self.options {
                if let value = options.value(own) { shared[name] = value }
            }
            // -2 asks for an output up to the end of the context, which is also the meaning of -1 here.
            if shared["n_predict"] == -2 { shared["n_predict"] = -1 }
            for (name, flag) in flags where options.value(name) != nil {
                warnings.append("\"options.\(name)\": no effect: the server decides (\(flag))")
            }
            for name in older where options.value(name) != nil {
                warnings.append("\"options.\(name)\": no effect")
            }
        }
        if let format = try responseFormat(fields) { shared["response_format"] = format }
        if let seconds = try readKeepAlive(fields) {
            shared["keep_alive"] = .number(seconds)
            if !defaults.unloadsModels { warnings.append(keepAliveWarning) }
        }
        if let reports = try fields.bool("load_progress") { shared["load_progress"] = .bool(reports) }
        do throws(APIError) {
            var result = try CompletionOptions(
                try FieldReader(.object(shared)), defaults: defaults, randomSeed: randomSeed)
            result.warnings += warnings
            return result
        } catch {
            throw renamed(error)
        }
    }

    /// The warning of a response whose model is never unloaded.
    static let keepAliveWarning = "\"keep_alive\": no effect: the model stays loaded while the server runs"

    /// The name of a model. Clients add the tag `:latest` to names without a tag, and a host to those of a repository.
    static func modelName(_ name: String) -> String {
        let name = name.hasSuffix(":latest") ? String(name.dropLast(":latest".count)) : name
        for host in ["hf.co/", "huggingface.co/", "https://hf.co/", "https://huggingface.co/"]
        where name.lowercased().hasPrefix(host) {
            let rest = String(name.dropFirst(host.count))
            return HubReference(rest)?.description ?? rest
        }
        return name
    }

    /// `format`: absent, empty, `"json"` or a JSON Schema, as `response_format`.
    private static func responseFormat(_ fields: FieldReader) throws(APIError) -> JSONValue? {
        switch fields.value("format") {
        case nil, .string("")?: return nil
        case .string("json")?: return ["type": "json_object"]
        case let schema? where schema.objectValue != nil:
            return ["type": "json_schema", "json_schema": ["schema": schema]]
        case let other?: throw fields.mismatch("format", "\"json\" or a JSON Schema", other)
        }
    }

    /// The units of a duration in seconds, the longer spellings first.
    private static let units: [(String, Double)] = [
        ("ms", 0.001), ("us", 0.000_001), ("µs", 0.000_001), ("ns", 0.000_000_001), ("s", 1), ("m", 60), ("h", 3_600),
    ]

    /// `keep_alive` in seconds; negative = for ever; nil = the server's default.
    ///
    /// Example: `"1h30m"`, `"-1s"`, `300`.
    static func readKeepAlive(_ fields: FieldReader) throws(APIError) -> Double? {
        guard let value = fields.value("keep_alive") else { return nil }
        if let seconds = value.doubleValue { return seconds }
        guard let text = value.stringValue, let seconds = seconds(of: text) else {
            throw fields.mismatch("keep_alive", "a number of seconds or a duration such as \"5m\"", value)
        }
        return seconds
    }

    /// A duration in the notation of Go: numbers with units, and a sign before the first.
    private static func seconds(of text: String) -> Double? {
        if let seconds = Double(text) { return seconds.isFinite ? seconds : nil }
        var rest = text[...]
        let isNegative = rest.first == "-"
        if isNegative { rest = rest.dropFirst() }
        var sum = 0.0
        guard !rest.isEmpty, text.utf8.count <= 64 else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(digits.count)
            guard let number = Double(digits), let unit = units.first(where: { rest.hasPrefix($0.0) }) else {
                return nil
            }
            rest = rest.dropFirst(unit.0.count)
            sum += number * unit.1
        }
        return isNegative ? -sum : sum
    }

    /// The arguments of the template that `think` sets: a boolean, or a level.
    static func templateArguments(_ fields: FieldReader) throws(APIError) -> JSONObject {
        switch fields.value("think") {
        case nil: return [:]
        case .bool(let value)?: return ["enable_thinking": .bool(value)]
        case .string(let level)? where ["low", "medium", "high"].contains(level):
            return ["enable_thinking": true, "reasoning_effort": .string(level)]
        case let other?: throw fields.mismatch("think", "a boolean, \"low\", \"medium\" or \"high\"", other)
        }
    }

    /// Refuses fields that would change the output and that this version does not honour.
    ///
    /// An empty value asks for nothing and is accepted.
    /// - Throws: `notSupported` that names the first such field.
    static func refuse(_ names: [String], in fields: FieldReader) throws(APIError) {
        for name in names {
            guard let value = fields.value(name), value.stringValue != "", value.arrayValue?.isEmpty != true else {
                continue
            }
            throw APIError(
                .notSupported,
                "Field '\(fields.path(name))': \(FieldReader.short(value)) is not supported by this version; leave the "
                    + "field out", field: fields.path(name))
        }
    }

    /// The error with Ollama's name of the field.
    private static func renamed(_ error: APIError) -> APIError {
        guard let field = error.error.field else { return error }
        let name: String
        if field.hasPrefix("response_format") || field.hasPrefix("json_schema") {
            name = "format"
        } else {
            guard let pair = options.first(where: { field == $0.shared || field.hasPrefix($0.shared + "[") }) else {
                return error
            }
            name = "options." + pair.own + field.dropFirst(pair.shared.count)
        }
        var renamed = error
        renamed.error.field = name
        let prefix = "Field '\(field)'"
        if error.error.message.hasPrefix(prefix) {
            renamed.error.message = "Field '\(name)'" + error.error.message.dropFirst(prefix.count)
        }
        return renamed
    }
}
