import MartletJSON

/// The line of a command for an error of the server: its message, with the command that prints the remedy.
///
/// Example: `the model 'x' is not loaded; see 'martlet explain model_not_loaded'`. A message about a field of the request names the
/// field, the rule and the value; nothing is added to it.
enum ErrorAdvice {
    /// The types whose messages say all.
    private static let complete: Set<String> = [
        "invalid_request_error", "not_found_error", "method_not_allowed_error", "conflict_error", "server_error",
    ]

    /// The line for a body with the member `error`; nil for a body without it.
    static func line(in body: JSONValue) -> String? {
        guard let error = body["error"] else { return nil }
        guard let message = error["message"]?.stringValue else { return error.stringValue ?? error.text }
        guard let word = word(of: error) else { return message }
        return "\(message); see 'martlet explain \(word)'"
    }

    /// The word of an error whose remedy helps: the code if it is a word, else the type. Nil for other servers' words.
    private static func word(of error: JSONValue) -> String? {
        let code = error["code"]?.stringValue
        let type = error["type"]?.stringValue.flatMap { complete.contains($0) ? nil : $0 }
        return [code, type].compactMap { $0 }.first { ErrorReference.find($0) != nil }
    }
}
