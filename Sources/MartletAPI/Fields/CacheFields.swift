import MartletGenerations
import MartletJSON
import MartletProtocol
import OrderedCollections

/// The fields of a request about the KV cache and the queue: `cache`, `cache_prompt`, `cache_prefix`,
/// `prompt_cache_key`, `n_cache_reuse`, `explain_cache`, `priority`.
///
/// `cache_prompt` decides whether the request reads the cache, `cache` what it leaves behind. Every combination of both
/// is valid.
enum CacheFields {
    /// Bytes of a prefix's name and of a cache key.
    private static let nameLimit = 256

    /// Reads all fields.
    /// - Parameter shiftLength: the value of `n_cache_reuse` if the request has none.
    /// - Returns: the pinned prefix that the request names; nil if it names none.
    static func read(
        _ fields: FieldReader, shiftLength: Int, into parameters: inout GenerationParameters
    ) throws(APIError) -> PrefixReference? {
        if let word = try fields.string("cache") {
            guard let retention = retention(word) else {
                throw .field(
                    fields.path("cache"),
                    "Value must be one of none, normal, pinned, but got \(FieldReader.short(.string(word)))")
            }
            parameters.cache.retention = retention
        }
        parameters.cache.shiftLength =
            try fields.integer("n_cache_reuse", in: 0...Int(Int32.max)) ?? shiftLength
        parameters.cache.isExplained = try fields.bool("explain_cache") ?? false
        let range = RequestPriority.range
        parameters.priority = try fields.integer("priority", in: range) ?? 0
        let key = try name(fields, "prompt_cache_key")
        fields.know(["prompt_cache_key"])
        if let name = try name(fields, "cache_prefix") { return PrefixReference(name: name, isRequired: true) }
        return key.map { PrefixReference(name: $0, isRequired: false) }
    }

    private static func retention(_ word: String) -> CacheParameters.Retention? {
        switch word {
        case "none": CacheParameters.Retention.none
        case "normal": .normal
        case "pinned": .pinned
        default: nil
        }
    }

    private static func name(_ fields: FieldReader, _ field: String) throws(APIError) -> String? {
        guard let name = try fields.string(field) else { return nil }
        guard name.utf8.count <= nameLimit else {
            throw .field(fields.path(field), "At most \(nameLimit) bytes are allowed, but got \(name.utf8.count)")
        }
        return name.isEmpty ? nil : name
    }
}

/// Anthropic's `cache_control`, which marks the end of a prefix that is worth pinning.
///
/// Example: `{"type": "text", "text": "…", "cache_control": {"type": "ephemeral"}}`. The mark may be a member of a
/// message, of a part of its content, or of a tool. A message with a mark is pinned as a whole, with everything before
/// it.
enum CacheControl {
    /// Anthropic's limit of marks in one request.
    private static let limit = 4

    /// - Throws: if a request has too many marks.
    static func check(count: Int) throws(APIError) {
        guard count <= limit else {
            throw .field("cache_control", "At most \(limit) marks are allowed in a request, but got \(count)")
        }
    }

    /// Whether an object has a valid mark.
    static func isMarked(_ value: JSONValue, at location: String) throws(APIError) -> Bool {
        var value = value
        return try removeMark(from: &value, at: location)
    }

    /// Removes the marks, so that no template sees them.
    /// - Returns: the indexes of the marked messages, ascending; the first message stands for the tools.
    static func removeMarks(
        from messages: inout [JSONValue], tools: inout [JSONValue]
    ) throws(APIError) -> [Int] {
        var marked: Set<Int> = []
        var count = 0
        for index in messages.indices {
            let location = "messages[\(index)]"
            if try removeMark(from: &messages[index], at: location) { (count, _) = (count + 1, marked.insert(index)) }
            guard case .object(var members) = messages[index], case .array(var parts)? = members["content"] else {
                continue
            }
            var isChanged = false
            for part in parts.indices where try removeMark(from: &parts[part], at: "\(location).content[\(part)]") {
                isChanged = true
                count += 1
            }
            guard isChanged else { continue }
            members["content"] = .array(parts)
            messages[index] = .object(members)
            marked.insert(index)
        }
        for index in tools.indices where try removeMark(from: &tools[index], at: "tools[\(index)]") {
            count += 1
            // Templates put tools into the first message.
            marked.insert(0)
        }
        try check(count: count)
        return marked.sorted()
    }

    private static func removeMark(from value: inout JSONValue, at location: String) throws(APIError) -> Bool {
        guard case .object(var members) = value, let mark = members["cache_control"] else { return false }
        members["cache_control"] = nil
        value = .object(members)
        if mark == .null { return false }
        let path = location.isEmpty ? "cache_control" : "\(location).cache_control"
        guard mark["type"] == "ephemeral" else {
            let got = mark["type"].map(FieldReader.short) ?? mark.kindName
            throw .field("\(path).type", "Value must be \"ephemeral\", but got \(got)")
        }
        if let lifetime = mark["ttl"], lifetime != "5m", lifetime != "1h" {
            throw .field(
                "\(path).ttl",
                "Value must be \"5m\" or \"1h\", but got \(FieldReader.short(lifetime))")
        }
        return true
    }
}

extension ChatCompletionRequest {
    /// Applies the marks of `cache_control`.
    /// - Parameter messages: the indexes of the marked messages, ascending.
    mutating func pin(_ messages: [Int]) throws(APIError) {
        guard !messages.isEmpty else { return }
        guard options.parameters.cache.retention != .none else {
            throw .field(
                "cache", "Value must be \"normal\" or \"pinned\" together with cache_control, but got \"none\"")
        }
        options.parameters.cache.retention = .pinned
        pinnedMessages = messages
    }
}
