import MartletJSON
import MartletProtocol
import MartletStreams
import MartletText

/// Reads and shows the order of samplers: a list of names, or a string of letters.
enum SamplerNames {
    /// llama.cpp's names and letters.
    private static let table: [(kind: SamplerKind, name: String, letter: Character)] = [
        (.penalties, "penalties", "e"), (.dry, "dry", "d"), (.topNSigma, "top_n_sigma", "s"), (.topK, "top_k", "k"),
        (.typicalP, "typ_p", "y"), (.topP, "top_p", "p"), (.minP, "min_p", "m"), (.xtc, "xtc", "x"),
        (.temperature, "temperature", "t"), (.adaptiveP, "adaptive_p", "a"),
    ]

    /// More names. In addition, each name of the table is accepted with hyphens for underscores, and without either.
    private static let aliases: [String: SamplerKind] = [
        "nucleus": .topP, "temp": .temperature, "typ": .typicalP, "typical_p": .typicalP, "typical": .typicalP,
    ]

    /// Samplers of one request. More than one of a kind is allowed.
    private static let countLimit = 64

    /// The names as `generation_settings` shows them.
    static func names(_ kinds: [SamplerKind]) -> [JSONValue] {
        kinds.map { kind in .string(table.first { $0.kind == kind }?.name ?? "") }
    }

    /// - Returns: the known samplers in order, and an error for each unknown name; nil if the field is absent.
    ///
    /// Unknown names do occur: presets of older versions name samplers that no longer exist, such as `tfs_z`.
    static func read(_ fields: FieldReader) throws(APIError) -> (kinds: [SamplerKind], unknown: [APIError])? {
        guard let value = fields.value("samplers") else { return nil }
        let path = fields.path("samplers")
        var unknown: [APIError] = []
        // A string is a sequence of letters, as `--sampling-seq` has it.
        if let letters = value.stringValue {
            try check(count: letters.count, path)
            var kinds: [SamplerKind] = []
            for letter in letters {
                if let entry = table.first(where: { $0.letter == letter }) {
                    kinds.append(entry.kind)
                } else {
                    let known = table.map { "\($0.letter) (\($0.name))" }.joined(separator: ", ")
                    unknown.append(
                        .field(path, "Letters must be of \(known), but got \"\(String(letter).excerpt(bytes: 16))\""))
                }
            }
            return (kinds, unknown)
        }
        guard let values = value.arrayValue else {
            throw fields.mismatch("samplers", "a list of names or a string of letters", value)
        }
        try check(count: values.count, path)
        var kinds: [SamplerKind] = []
        for (index, value) in values.enumerated() {
            if let kind = value.stringValue.flatMap({ kind(named: $0) }) {
                kinds.append(kind)
                continue
            }
            let known = table.map(\.name).joined(separator: ", ")
            let error = APIError.field(
                "\(path)[\(index)]", "Value must be one of \(known), but got \(FieldReader.short(value))")
            guard value.stringValue != nil else { throw error }
            unknown.append(error)
        }
        return (kinds, unknown)
    }

    /// Checks the number of samplers.
    private static func check(count: Int, _ path: String) throws(APIError) {
        guard count <= countLimit else {
            throw .field(path, "At most \(countLimit) samplers are allowed, but got \(count)")
        }
    }

    /// Names are compared without regard to case.
    private static func kind(named name: String) -> SamplerKind? {
        let name = name.lowercased()
        if let kind = aliases[name] { return kind }
        return table.first { entry in
            let joined = String(entry.name.filter { $0 != "_" })
            let hyphenated = String(entry.name.map { $0 == "_" ? "-" : $0 })
            return name == entry.name || name == joined || name == hyphenated
        }?.kind
    }
}
