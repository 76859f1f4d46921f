import MartletJSON
package import MartletProtocol

/// Reads the fields of speculative decoding. Names are llama-server's, whose releases show them and do not read them.
package enum SpeculationFields {
    /// The words for kinds of drafts. llama-server's other lookups (`ngram-mod` and so on) are this server's one lookup.
    private static let words: [(word: String, kind: DraftKind)] = [
        ("ngram-simple", .ngram), ("draft-simple", .model), ("ngram-map-k", .ngram), ("ngram-map-k4v", .ngram),
        ("ngram-mod", .ngram), ("ngram-cache", .ngram),
    ]
    /// The range of the number of drafted tokens.
    private static let counts = 0...1_024

    /// All words that `kinds(in:)` accepts, in the order of help texts.
    package static let allWords = ["none"] + words.map(\.word)

    /// The kinds that words name, each once; `none` adds nothing.
    ///
    /// - Returns: `nil` for the kinds, and the word, if a word is unknown.
    package static func kinds(in list: [String]) -> (kinds: [DraftKind]?, unknown: String?) {
        var kinds: [DraftKind] = []
        for word in list where word != "none" {
            guard let kind = words.first(where: { $0.word == word })?.kind else { return (nil, word) }
            if !kinds.contains(kind) { kinds.append(kind) }
        }
        return (kinds, nil)
    }

    /// The words for kinds, as `generation_settings` shows them.
    static func text(of kinds: [DraftKind]) -> String {
        let names = kinds.compactMap { kind in words.first { $0.kind == kind }?.word }
        return names.isEmpty ? "none" : names.joined(separator: ",")
    }

    /// Reads `speculative.types` or `speculative.type` (a text with commas, or a list), `.n_max`, `.n_min` and `.p_min`.
    ///
    /// - Parameter defaults: the values of absent fields.
    static func read(
        _ fields: FieldReader, default defaults: SpeculationParameters
    ) throws(APIError) -> SpeculationParameters {
        var parameters = defaults
        for name in ["speculative.type", "speculative.types"] {
            guard let list = try words(fields, name) else { continue }
            let (kinds, unknown) = kinds(in: list)
            guard let kinds else {
                throw .field(
                    name,
                    "Value must be one of \(allWords.joined(separator: ", ")), but got \(unknown ?? "")")
            }
            parameters.kinds = kinds
        }
        if let value = try fields.integer("speculative.n_max", in: counts) { parameters.maximumCount = value }
        if let value = try fields.integer("speculative.n_min", in: counts) { parameters.minimumCount = value }
        if let value = try fields.float("speculative.p_min", clampedTo: 0...1) { parameters.minimumProbability = value }
        return parameters
    }

    private static func words(_ fields: FieldReader, _ name: String) throws(APIError) -> [String]? {
        guard let value = fields.value(name) else { return nil }
        if let text = value.stringValue { return text.split(separator: ",").map(String.init) }
        guard let elements = value.arrayValue else { throw fields.mismatch(name, "a string or an array", value) }
        var words: [String] = []
        for element in elements {
            guard let word = element.stringValue else { throw fields.mismatch(name, "an array of strings", value) }
            words.append(word)
        }
        return words
    }
}
