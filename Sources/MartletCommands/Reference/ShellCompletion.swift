import ArgumentParser

/// A shell for which `martlet flags --completions` writes a script.
enum ShellCompletion: String, CaseIterable, ExpressibleByArgument {
    case bash
    case zsh
    case fish

    /// The script for the command tree below `command`.
    func script(for command: CommandReference) -> String {
        switch self {
        case .bash: BashCompletion(command: command).script
        case .zsh: ZshCompletion(command: command).script
        case .fish: FishCompletion(command: command).script
        }
    }

    /// Text in single quotes for any of the three shells: `it's` becomes `'it'\''s'`.
    static func quoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }

    /// The first sentence of a help text, so that a list of completions has one short line per flag.
    static func summary(_ help: String) -> String {
        var end = help.startIndex
        while let stop = help[end...].firstIndex(of: ".") {
            end = help.index(after: stop)
            if end == help.endIndex || help[end] == " " { return String(help[..<stop]) }
        }
        return help
    }
}
