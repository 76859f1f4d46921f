import MartletText

/// An error while a chat template is parsed or rendered.
///
/// `'foo' is undefined (template line 12: {{ foo.bar }})` is the description of an evaluation error. The texts are
/// those of Python and Jinja where these have one, so that a user finds them in their documentation.
package struct TemplateError: Error, Sendable, Equatable {
    /// The kinds of errors.
    ///
    /// For the server every error of a rendering is a fault of the request (400, field `messages`), since the same
    /// template renders other conversations. An error of the source makes the chat routes return `not_supported`.
    package enum Kind: Sendable {
        /// The source is no valid template.
        case syntax
        /// The template called `raise_exception`; `message` is its own text, such as "Conversation roles must
        /// alternate".
        case raised
        /// An operation failed for the values at hand, such as a sum of a string and a number.
        case evaluation
        /// The messages cannot be converted to a form that the template accepts; `message` names the field. There is
        /// no line.
        case input
        /// The source is a template, but not of a chat. There is no line.
        case unsuited
        /// The rendering exceeds a limit of `TemplateBudget`, or the source a limit of nesting.
        case budget
    }
    /// The kind, by which callers distinguish faults of the template from refused messages.
    package var kind: Kind
    /// The rule and the value, without the location.
    package var message: String
    /// The line in the template's source, from 1; 0 = none.
    package var line: Int
    /// The text of that line without white space at its ends, at most 200 bytes and a mark for the rest.
    package var sourceLine: String

    /// An error at a line of the template.
    package init(_ kind: Kind, _ message: String, line: Int, sourceLine: String = "") {
        self.kind = kind
        self.message = message
        self.line = line
        self.sourceLine = sourceLine
    }

    /// The same error with the text of its line, taken from `source`.
    func locating(in source: String) -> TemplateError {
        var error = self
        let lines = source.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard line > 0, line <= lines.count else { return error }
        let text = ProvenanceText(String(Substring(lines[line - 1])), isTrusted: true).stripped().string
        error.sourceLine = text.excerpt(bytes: 200)
        return error
    }
}

extension TemplateError: CustomStringConvertible {
    /// The message, with line and text of the line if it has a location.
    package var description: String {
        if [.raised, .input, .unsuited].contains(kind) { return message }
        return sourceLine.isEmpty
            ? "\(message) (template line \(line))" : "\(message) (template line \(line): \(sourceLine))"
    }
}
