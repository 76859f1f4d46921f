import MartletJSON
import OrderedCollections

/// Fields of llama-server and OpenAI that would change the answer and that this version does not honour.
///
/// Such a field is refused by name unless its value asks for nothing: an answer that ignores what was asked for is
/// worse than a refusal. Fields that only ask for more output, or are remarks (`user`, `metadata`), are ignored.
enum UnsupportedFields {
    static func check(_ fields: FieldReader) throws(APIError) {
        for (name, isNeutral) in rules {
            guard let value = fields.value(name), !isNeutral(value) else { continue }
            throw APIError(
                .notSupported,
                "Field '\(name)': \(FieldReader.short(value)) is not supported by this version; leave the field out",
                parameter: name)
        }
    }

    private static let rules: [(String, @Sendable (JSONValue) -> Bool)] = [
        ("best_of", { $0.integerValue == 1 }),
        ("functions", { $0.arrayValue?.isEmpty == true }),
        ("function_call", { $0.stringValue == "none" || $0.stringValue == "auto" }),
        ("modalities", { $0 == ["text"] }),
        ("audio", { _ in false }),
        ("suffix", { $0.stringValue?.isEmpty == true }),
        ("n_cache_reuse", { $0.integerValue == 0 }),
    ]
}
