import MartletGenerations
import MartletJSON
import MartletStreams

/// Fields of other completion routes that a dialect does not read: each one in a request is named in `warnings`.
///
/// Example: `stop` in a request for Anthropic's Messages has no effect, because the field of that API is
/// `stop_sequences`. The fields are known, so a strict server names them, too, and accepts the request.
struct ForeignFields {
    /// The names, and the dialect's own field with the same purpose; nil if it has none.
    let names: [(foreign: String, own: String?)]

    /// One sentence for each of the fields that asks for something.
    func warnings(_ fields: FieldReader) -> [String] {
        names.compactMap { foreign, own in
            guard let value = fields.value(foreign), !Self.isNeutral(value, of: foreign) else { return nil }
            let hint = own.map { "; the field of this route is \(FieldReader.quoted($0))" } ?? ""
            return "\(FieldReader.quoted(foreign)): no effect on this route\(hint)"
        }
    }

    /// Whether a value asks for nothing, such as one choice.
    private static func isNeutral(_ value: JSONValue, of name: String) -> Bool {
        switch value {
        case .bool(false), [], "": true
        case .integer(1), .number(1): name == "n" || name == "n_cmpl"
        default: false
        }
    }
}

extension CompletionOptions {
    /// The options of a request whose dialect has names of its own for some fields.
    ///
    /// - Parameters:
    ///   - members: the shared fields, without the dialect's own ones.
    ///   - fields: the whole request.
    ///   - foreign: fields of other routes, which have no effect.
    ///   - names: the paths of shared fields, and those of the dialect, which errors name.
    /// - Throws: `invalidRequest` that names the field, the rule and the value.
    static func shared(
        _ members: JSONObject, of fields: FieldReader, _ foreign: ForeignFields,
        _ names: [(shared: String, own: String)],
        defaults: CompletionDefaults, randomSeed: UInt64
    ) throws(APIError) -> CompletionOptions {
        do throws(APIError) {
            let shared = try FieldReader(.object(members))
            var options = try CompletionOptions(shared, defaults: defaults, randomSeed: randomSeed)
            try options.reportUnused(shared, defaults)
            options.warnings += foreign.warnings(fields)
            return options
        } catch {
            throw error.renamingFields(names)
        }
    }
}
