import MartletGenerations
import MartletGrammar
import MartletJSON
import MartletProtocol
import MartletStreams

/// Reads `grammar` with llama-server's `grammar_lazy` and `grammar_triggers`.
enum GrammarField {
    /// The most triggers of one request, and the most bytes of one.
    private static let triggerCountLimit = 64
    private static let triggerLengthLimit = 4_096

    /// - Returns: nil if the request has no grammar.
    /// - Throws: `invalidRequest` with the line and column of a syntax error, or with the limit that the grammar
    ///   exceeds.
    static func read(_ fields: FieldReader, limits: GrammarLimits) throws(APIError) -> GenerationConstraint? {
        let isLazy = try fields.bool("grammar_lazy") ?? false
        let triggers = try fields.array("grammar_triggers") ?? []
        guard let text = try fields.string("grammar"), !text.isEmpty else { return nil }
        // Triggers of a grammar that is not lazy are accepted and ignored, as at llama-server.
        let begins = isLazy ? try self.triggers(triggers) : []
        let grammar = try grammar(text, field: "grammar", limits: limits)
        guard isLazy else { return GenerationConstraint(grammar) }
        do throws(GrammarError) {
            return try GenerationConstraint(grammar, after: begins, includesTrigger: true)
        } catch {
            throw APIError(error, field: "grammar")
        }
    }

    /// Compiles GBNF text.
    /// - Parameter field: the name in error messages.
    static func grammar(_ text: String, field: String, limits: GrammarLimits) throws(APIError) -> Grammar {
        do throws(GrammarError) {
            return try GBNFParser.grammar(text.utf8, limits: limits)
        } catch {
            throw APIError(error, field: field)
        }
    }

    /// The tokens and texts after which a lazy grammar holds.
    private static func triggers(_ values: [JSONValue]) throws(APIError) -> [GrammarTrigger] {
        guard !values.isEmpty else {
            throw .field("grammar_triggers", "A lazy grammar needs at least one trigger, but the list is empty")
        }
        guard values.count <= triggerCountLimit else {
            throw .field(
                "grammar_triggers", "At most \(triggerCountLimit) triggers are allowed, but got \(values.count)")
        }
        var triggers: [GrammarTrigger] = []
        for (index, value) in values.enumerated() {
            let name = "grammar_triggers[\(index)]"
            switch value["type"]?.integerValue {
            case 0:
                guard let id = value["token"]?.integerValue.flatMap(Int32.init(exactly:)), id >= 0 else {
                    throw .field("\(name).token", "A token's number is required for a trigger of type 0")
                }
                triggers.append(.token(id))
            case 1:
                guard let text = value["value"]?.stringValue, !text.isEmpty else {
                    throw .field("\(name).value", "A text is required for a trigger of type 1")
                }
                guard text.utf8.count <= triggerLengthLimit else {
                    throw .field(
                        "\(name).value", "At most \(triggerLengthLimit) bytes are allowed, but got \(text.utf8.count)")
                }
                triggers.append(.text(text))
            // llama-server's patterns.
            case 2, 3:
                throw APIError(
                    .notSupported, "Field '\(name).type': patterns are not supported as triggers; use type 1",
                    field: "\(name).type")
            default: throw .field("\(name).type", "Value must be 0 (token) or 1 (text)")
            }
        }
        return triggers
    }
}

// `generation_settings` shows the fields unchanged, also those of a grammar that is not lazy.
extension ReportedGrammar {
    /// Reads the grammar fields without parsing the grammar.
    init(_ fields: FieldReader) throws(APIError) {
        self.init()
        text = try fields.string("grammar") ?? ""
        isLazy = try fields.bool("grammar_lazy") ?? false
        triggers = try fields.array("grammar_triggers") ?? []
    }
}
