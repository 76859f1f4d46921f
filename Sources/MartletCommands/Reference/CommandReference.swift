/// A command as the man page and the shell completions describe it: its flags, arguments and subcommands.
///
/// Example: `martlet streams rm` has the path `["martlet", "streams", "rm"]`, the flags `--ended`, `--all`,
/// `--state-dir`, `--help` and `--version`, and the argument `ids`.
///
/// There are two sources. `SettingTable` describes the flags of `serve` and `worker`; the argument parser describes
/// everything else, see ``MartletCommand/reference()``. Writers of pages and scripts read only this type, so a new flag
/// appears in each of them without further work.
struct CommandReference: Equatable, Sendable {
    /// The words that select the command, `martlet` first.
    var path: [String]
    /// One sentence.
    var abstract: String
    /// Further paragraphs, separated by line breaks; empty if there are none.
    var discussion = ""
    var flags: [FlagReference] = []
    var arguments: [ArgumentReference] = []
    var subcommands: [CommandReference] = []

    /// The words that select the command, with blanks between them.
    var name: String { path.joined(separator: " ") }

    /// This command and all commands below it, in the order of the command tree.
    var all: [CommandReference] { [self] + subcommands.flatMap(\.all) }

    /// The last word of the path, e.g. `rm`.
    var word: String { path.last ?? "" }
}

/// A flag of a command.
struct FlagReference: Equatable, Sendable {
    /// All spellings with their dashes, e.g. `-m` and `--model`. Spellings that switch a toggle off are included.
    var names: [String]
    /// The values that follow the flag; none for a toggle.
    var values: [ValueReference] = []
    /// Whether the flag may be repeated so that its values add up.
    var isRepeatable = false
    /// One or more sentences.
    var help: String
    /// The value without the flag, or the meaning of leaving the flag out; `nil` if there is nothing to say.
    var fallback: String?
    /// Environment variables that set the same; empty for flags that only the command line knows.
    var environmentNames: [String] = []
    /// The heading in help texts; empty for flags that only the command line knows.
    var section = ""
}

/// A positional argument of a command.
struct ArgumentReference: Equatable, Sendable {
    /// The name and the completion of the argument.
    var value: ValueReference
    /// One sentence.
    var help: String
    var isOptional = false
    var isRepeatable = false
}

/// A value of a flag or an argument.
struct ValueReference: Equatable, Sendable {
    /// The set from which a shell can complete the value.
    enum Completion: Equatable, Sendable {
        case words([String])
        case files
        case folders
        /// A shell has nothing to offer, e.g. for a number.
        case unknown
    }

    /// The name in help texts, e.g. `PATH`.
    var placeholder: String
    var completion = Completion.unknown
}
