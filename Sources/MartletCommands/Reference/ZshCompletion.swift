/// The completion script for zsh, to be installed as `_martlet` in a folder of `$fpath`.
///
/// Each command is a function that calls `_arguments` with a specification per spelling of a flag.
struct ZshCompletion {
    /// The root of the command tree.
    let command: CommandReference

    /// The whole script: a function per command, and the call of the first one.
    var script: String {
        let head = ["#compdef martlet", "# Made by 'martlet flags --completions zsh'. Do not edit.", ""]
        let functions = command.all.flatMap { function($0) + [""] }
        return (head + functions + ["_martlet \"$@\""]).joined(separator: "\n") + "\n"
    }

    /// `_martlet_streams_rm` for `martlet streams rm`.
    private func name(_ member: CommandReference) -> String { "_" + member.path.joined(separator: "_") }

    /// The function of a command. A command with subcommands dispatches on the first argument.
    private func function(_ member: CommandReference) -> [String] {
        var specifications = member.flags.flatMap { flag in flag.names.map { Self.specification(flag, $0) } }
        guard !member.subcommands.isEmpty else {
            specifications += member.arguments.map { Self.specification($0) }
            return ["\(name(member))() {", "    _arguments \\"]
                + Self.continued(specifications) + ["}"]
        }
        specifications += ["'1:command:->command'", "'*::argument:->argument'"]
        var lines = [
            "\(name(member))() {", "    local context state state_descr line", "    typeset -A opt_args",
            "    _arguments -C \\",
        ]
        lines += Self.continued(specifications)
        lines += ["    case $state in", "        command)", "            local -a commands=("]
        for subcommand in member.subcommands {
            let text = Self.escaped(subcommand.word) + ":" + ShellCompletion.summary(subcommand.abstract)
            lines.append("                " + ShellCompletion.quoted(text))
        }
        lines += ["            )", "            _describe command commands", "            ;;", "        argument)"]
        lines.append("            case $line[1] in")
        for subcommand in member.subcommands {
            lines.append("                \(subcommand.word)) \(name(subcommand)) ;;")
        }
        return lines + ["            esac", "            ;;", "    esac", "}"]
    }

    /// Lines of one shell command: all except the last end with a backslash.
    private static func continued(_ specifications: [String]) -> [String] {
        specifications.enumerated().map { index, text in
            "        " + text + (index + 1 < specifications.count ? " \\" : "")
        }
    }

    /// `'--model=[The GGUF file to serve]:PATH:_files'`. The equals sign allows both `--model FILE` and `--model=FILE`.
    private static func specification(_ flag: FlagReference, _ name: String) -> String {
        let separator = flag.values.count == 1 && name.hasPrefix("--") ? "=" : ""
        let summary = escaped(ShellCompletion.summary(flag.help))
        let values = flag.values.map { ":\(escaped($0.placeholder)):\(action($0))" }.joined()
        return ShellCompletion.quoted((flag.isRepeatable ? "*" : "") + name + separator + "[\(summary)]" + values)
    }

    /// A positional argument: `:NAME:ACTION`, with a second colon if it is optional.
    private static func specification(_ argument: ArgumentReference) -> String {
        let name = escaped(argument.value.placeholder)
        let prefix = argument.isRepeatable ? "*:" : argument.isOptional ? "::" : ":"
        return ShellCompletion.quoted("\(prefix)\(name):\(action(argument.value))")
    }

    /// The zsh action that completes a value; empty if there is none.
    private static func action(_ value: ValueReference) -> String {
        switch value.completion {
        case .words(let words): "(\(words.joined(separator: " ")))"
        case .files: "_files"
        case .folders: "_files -/"
        case .unknown: ""
        }
    }

    /// Brackets, colons and backslashes end parts of a specification unless a backslash precedes them.
    private static func escaped(_ text: String) -> String {
        String(text.flatMap { ["[", "]", ":", "\\"].contains($0) ? ["\\", $0] : [$0] })
    }
}
