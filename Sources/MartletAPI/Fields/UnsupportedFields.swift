import MartletJSON
import MartletStreams
import OrderedCollections

/// Refuses fields of llama-server and OpenAI that would change the output and that this version does not honour.
///
/// A value that asks for nothing is accepted. A client that gets an error can react; a client whose field is silently
/// ignored gets a wrong output. Fields that only add members, or are remarks (`user`, `metadata`), are ignored.
enum UnsupportedFields {
    /// - Throws: `notSupported` that names the field.
    static func check(_ fields: FieldReader) throws(APIError) {
        for (name, isNeutral) in rules {
            guard let value = fields.value(name), !isNeutral(value) else { continue }
            throw APIError(
                .notSupported,
                "Field '\(name)': \(FieldReader.short(value)) is not supported by this version; leave the field out",
                field: name)
        }
    }

    /// Each field with the test for values that ask for nothing.
    private static let rules: [(String, @Sendable (JSONValue) -> Bool)] = [
        ("best_of", { $0.integerValue == 1 }),
        ("modalities", { $0 == ["text"] }),
        ("audio", { _ in false }),
        ("web_search_options", { _ in false }),
        ("suffix", { $0.stringValue?.isEmpty == true }),
    ]
}
