import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletText

/// Reports the fields of a request that had no effect: in `warnings` of the response and in `X-Martlet-Warnings`, or as
/// an error where the server is strict (`--strict-fields`).
package enum UnusedFields {
    /// Fields that are remarks to the server's operator: they ask for nothing, so they are never reported.
    private static let remarks: Set<String> = ["user", "metadata", "safety_identifier", "object", "client_metadata"]

    /// Fields of other servers that this version accepts without an effect, with the reason.
    private static let reasons: [String: String] = [
        "store": "completions are not stored", "service_tier": "there is one tier",
        "prediction": "drafts come from the history (--spec-type)", "verbosity": "the model decides",
        "backend_sampling": "the place of sampling does not change tokens",
        "truncate": "an input that is too long is refused",
    ]

    /// Internal values of llama-server and options of vLLM that change no output here.
    private static let withoutEffect: Set<String> = [
        "grammar_type", "preserved_tokens", "chat_format", "chat_parser", "generation_prompt", "parse_tool_calls",
        "message_delimiters", "reasoning_budget_start_tag", "reasoning_budget_end_tags", "reasoning_control",
    ]

    /// Fields of other routes for completions.
    private static let elsewhere: Set<String> = [
        "messages", "prompt", "echo", "suffix", "tools", "tool_choice", "parallel_tool_calls", "chat_template_kwargs",
        "reasoning_effort", "enable_thinking", "add_generation_prompt", "continue_final_message",
        "reasoning_budget_message", "reasoning_turn_budget_tokens", "encoding_format", "dimensions", "input",
    ]

    /// - Parameter isStrict: whether an unknown field is an error.
    /// - Returns: one sentence per field.
    /// - Throws: `invalidRequest` that names the first unknown field and the nearest known one.
    package static func report(_ fields: FieldReader, isStrict: Bool) throws(APIError) -> [String] {
        var warnings: [String] = []
        for field in fields.unused() where !remarks.contains(field.path) && !withoutEffect.contains(field.path) {
            let name = FieldReader.quoted(field.path)
            if let reason = reasons[field.path] {
                warnings.append("\(name): no effect: \(reason)")
            } else if elsewhere.contains(field.path) {
                warnings.append("\(name): no effect on this route")
            } else if field.isKnown {
                warnings.append("\(name): no effect: another field of the request replaces it")
            } else {
                let hint = field.nearest.map { "; the nearest known field is \(FieldReader.quoted($0))" } ?? ""
                guard !isStrict else {
                    throw .field(field.path, "The field is unknown, and this server is strict (--strict-fields)\(hint)")
                }
                warnings.append("\(name): unknown field\(hint)")
            }
        }
        return warnings
    }

    /// The value of the header field: the sentences with semicolons between them, in printable ASCII, at most
    /// `headerLimit` bytes.
    ///
    /// Other characters become `\\u{…}`, so that no proxy refuses the response.
    /// - Returns: nil without sentences.
    package static func header(_ warnings: [String]) -> String? {
        guard !warnings.isEmpty else { return nil }
        var text = ""
        for (index, warning) in warnings.enumerated() {
            let part = (index == 0 ? "" : "; ") + safe(warning)
            guard text.utf8.count + part.utf8.count <= headerLimit - 24 else {
                return text + (text.isEmpty ? "" : "; ") + "and \(warnings.count - index) more"
            }
            text += part
        }
        return text
    }

    /// The most bytes of the header field.
    package static let headerLimit = 1_024

    private static func safe(_ text: String) -> String {
        var safe = ""
        for scalar in text.unicodeScalars {
            if (0x20..<0x7F).contains(scalar.value) {
                safe.unicodeScalars.append(scalar)
            } else {
                safe += "\\u{" + String(scalar.value, radix: 16) + "}"
            }
        }
        return safe
    }
}

extension FieldReader {
    /// A name for a message: at most 64 Unicode scalars, as JSON. One character may have any number of scalars.
    static func quoted(_ name: String) -> String {
        JSONValue.string(String(name.beginning(bytes: 64))).text
    }
}

extension CompletionOptions {
    /// Adds a warning for each unused field. Called when a dialect has read all its fields.
    /// - Throws: `invalidRequest` for an unknown field if the defaults are strict.
    mutating func reportUnused(_ fields: FieldReader, _ defaults: CompletionDefaults) throws(APIError) {
        warnings += try UnusedFields.report(fields, isStrict: defaults.refusesUnknownFields)
    }
}
