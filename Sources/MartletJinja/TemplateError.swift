/// Why a chat template could not be read or rendered.
package struct TemplateError: Error, Sendable, Equatable {
    package enum Kind: Sendable {
        /// The source is no valid template.
        case syntax
        /// The template itself refused its input with `raise_exception`; `message` is in its own words.
        case raised
        /// An operation of the template failed on the values it met.
        case evaluation
        /// The messages cannot be put into a form that the template takes; `message` names the field. Has no line.
        case input
        /// The source is a template, but of no chat. Has no line.
        case unsuited
        /// The template wanted more steps, depth, memory or output than it may use.
        case budget
    }
    package var kind: Kind
    /// What is wrong, without the place.
    package var message: String
    /// Where in the template's source, from 1.
    package var line: Int
    /// That line of the source, without white space around it.
    package var sourceLine: String

    package init(_ kind: Kind, _ message: String, line: Int, sourceLine: String = "") {
        self.kind = kind
        self.message = message
        self.line = line
        self.sourceLine = sourceLine
    }

    /// The same error with the text of its line out of `source`.
    func locating(in source: String) -> TemplateError {
        var error = self
        let lines = source.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard line > 0, line <= lines.count else { return error }
        let text = ProvenanceText(String(Substring(lines[line - 1])), isTrusted: true).stripped().string
        error.sourceLine = text.utf8.count <= 200 ? text : String(text.unicodeScalars.prefix(200)) + "…"
        return error
    }
}

extension TemplateError: CustomStringConvertible {
    package var description: String {
        if [.raised, .input, .unsuited].contains(kind) { return message }
        return sourceLine.isEmpty
            ? "\(message) (template line \(line))" : "\(message) (template line \(line): \(sourceLine))"
    }
}
