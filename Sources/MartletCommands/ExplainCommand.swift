import ArgumentParser

/// `martlet explain`: prints cause and remedy of an error of the server.
///
/// Example: `martlet explain model_absent` prints
///
///     model_absent
///       cause   the model is known, but its files are not on this machine
///       remedy  `martlet pull NAME`
///
/// A status such as 503 prints all types that have it.
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Print cause and remedy of an error's type, code or status.",
        discussion: "Without a word the output is a list of all types and codes. docs/errors.md has the same texts.")

    @Argument(help: "The member type or code of an error, or the HTTP status.")
    var word: String?

    /// Prints the entries. An unknown word ends the command with ``ExitStatus/usage`` and the nearest one.
    func run() throws {
        guard let word else {
            let rows = ErrorReference.all.map { [$0.word, $0.status.map(String.init) ?? "", $0.cause] }
            return Terminal.write(TextTable.text([["WORD", "STATUS", "CAUSE"]] + rows))
        }
        let entries = ErrorReference.all.filter { $0.word == word || $0.status.map(String.init) == word }
        guard !entries.isEmpty else {
            let nearest = NearestWord.find(word, among: ErrorReference.all.map(\.word))
            let advice = nearest.map { "did you mean '\($0)'?" } ?? "'martlet explain' lists all"
            throw CommandFailure.exit(
                "no error has the type, code or status '\(word.printable)'; \(advice)", usage: true)
        }
        Terminal.write(entries.map(Self.text).joined(separator: "\n"))
    }

    /// The lines of an entry.
    static func text(_ entry: ErrorReference) -> String {
        let status = entry.status.map { " (status \($0))" } ?? ""
        return "\(entry.word)\(status)\n  cause   \(entry.cause)\n  remedy  \(entry.remedy)\n"
    }
}
