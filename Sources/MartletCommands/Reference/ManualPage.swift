/// The man page `martlet.1`, in the macros of man(7).
///
/// Example: `martlet flags --man > martlet.1 && man -l martlet.1`.
struct ManualPage {
    /// The root of the command tree.
    let command: CommandReference
    /// The program's version, for the page's footer.
    let version: String

    /// The page's source. Each line of text is safe: it cannot be read as a macro, see ``escaped(_:)``.
    var text: String {
        var lines = [
            ".\\\" Made by 'martlet flags --man'. Do not edit.",
            ".TH MARTLET 1 \"\" \"martlet \(Self.escaped(version))\" \"User Commands\"",
            ".SH NAME", "martlet \\- \(Self.escaped(Self.clause(command.abstract)))",
            ".SH SYNOPSIS", "\\fBmartlet\\fR \\fICOMMAND\\fR [\\fIFLAG\\fR | \\fIARGUMENT\\fR ...]",
            ".SH DESCRIPTION",
        ]
        lines += Self.paragraphs(Self.description)
        lines.append(".SH COMMANDS")
        for member in command.subcommands where SettingCommand(rawValue: member.word) == nil {
            lines += member.all.flatMap { Self.section($0) }
        }
        for member in command.subcommands where SettingCommand(rawValue: member.word) == .serve {
            lines.append(".SH FLAGS OF MARTLET SERVE")
            lines += Self.paragraphs(member.abstract + " " + Self.precedence)
            lines += Self.serverFlags(member)
        }
        lines += [
            ".SH EXIT STATUS", "0 after success, 1 after a failure, 2 after a wrong flag or argument, 64 after a wrong",
            "flag or argument of a command other than serve.", ".SH FILES", ".TP",
            "\\fI$XDG_STATE_HOME/martlet\\fR, else \\fI~/.local/state/martlet\\fR",
            "Journals of resumable generations, see \\fB\\-\\-state\\-dir\\fR.",
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    private static let description =
        "Martlet serves language models (GGUF files) over the HTTP APIs of OpenAI and of llama-server. Its responses "
        + "survive lost connections, crashes and restarts, and can be controlled while the model writes them."

    private static let precedence =
        "A flag overrides its environment variables, these override the file of --config, and the file overrides the "
        + "default. '--flag VALUE' and '--flag=VALUE' are the same. Underscores and dashes are the same."

    /// A command that the argument parser reads: heading, text, arguments and flags.
    private static func section(_ command: CommandReference) -> [String] {
        var words = ["\\fB" + escaped(command.name) + "\\fR"]
        for argument in command.arguments {
            let name = "\\fI" + escaped(argument.value.placeholder) + "\\fR" + (argument.isRepeatable ? " ..." : "")
            words.append(argument.isOptional ? "[\(name)]" : name)
        }
        if !command.subcommands.isEmpty { words.append("\\fICOMMAND\\fR") }
        var lines = [".SS " + escaped(command.name), words.joined(separator: " "), ".PP"]
        lines += paragraphs(command.abstract + (command.discussion.isEmpty ? "" : "\n" + command.discussion))
        for argument in command.arguments where !argument.help.isEmpty {
            lines += [".TP", "\\fI" + escaped(argument.value.placeholder) + "\\fR", escaped(argument.help)]
        }
        for flag in command.flags { lines += entry(flag) }
        return lines
    }

    /// The flags of the server in the sections of its help text.
    private static func serverFlags(_ command: CommandReference) -> [String] {
        var sections: [String] = []
        for flag in command.flags where !sections.contains(flag.section) { sections.append(flag.section) }
        return sections.flatMap { section in
            [".SS " + (section.isEmpty ? "General" : escaped(section))]
                + command.flags.filter { $0.section == section }.flatMap { entry($0) }
        }
    }

    /// A flag as a tagged paragraph: spellings, help, values, default, environment variables.
    private static func entry(_ flag: FlagReference) -> [String] {
        let names = flag.names.map { "\\fB" + escaped($0) + "\\fR" }.joined(separator: ", ")
        let values = flag.values.map { " \\fI" + escaped($0.placeholder) + "\\fR" }.joined()
        var lines = [".TP", names + values]
        var help = flag.help
        if case .words(let words)? = flag.values.first?.completion {
            help += " Values: " + words.joined(separator: ", ") + "."
        }
        if let fallback = flag.fallback { help += " Default: " + fallback + "." }
        lines.append(escaped(help.isEmpty ? "No further description." : help))
        if !flag.environmentNames.isEmpty {
            lines += [".br", "Environment: " + escaped(flag.environmentNames.joined(separator: ", "))]
        }
        return lines
    }

    /// A paragraph per line of the text.
    private static func paragraphs(_ text: String) -> [String] {
        text.split(separator: "\n").flatMap { [escaped(String($0)), ".PP"] }.dropLast()
    }

    /// A sentence without its full stop, as a page's NAME section has it.
    private static func clause(_ sentence: String) -> String {
        sentence.hasSuffix(".") ? String(sentence.dropLast()) : sentence
    }

    /// Text that groff prints as it stands. Backslash and hyphen get their escapes. A line that would begin with a dot
    /// or an apostrophe begins with an empty character instead, because groff would read a macro.
    static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "\\": result += "\\e"
            case "-": result += "\\-"
            case "~": result += "\\(ti"
            case "^": result += "\\(ha"
            case "`": result += "\\(ga"
            case "'": result += "\\(aq"
            // A line break would begin a line, which may be a macro.
            case _ where character.isNewline: result += " "
            default: result.append(character)
            }
        }
        return result.hasPrefix(".") ? "\\&" + result : result
    }
}
