/// The completion script for bash 3.2 and newer. It needs neither the package bash-completion nor the program.
///
/// The function walks over the words before the cursor to find the command, e.g. `martlet streams rm`. One table maps
/// a command to its flags and subcommands; another maps a command and a flag to the flag's values.
struct BashCompletion {
    /// The root of the command tree.
    let command: CommandReference

    /// The whole script, which defines two functions and registers one of them.
    var script: String {
        var lines = [
            "# bash completion for martlet. Made by 'martlet flags --completions bash'. Do not edit.",
            "_martlet() {",
            "    local current=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD - 1]}\"",
            "    local command=martlet words='' index",
            "    # bash splits --flag=VALUE into three words.",
            "    if [ \"$current\" = '=' ]; then",
            "        current=''",
            "    elif [ \"$previous\" = '=' ]; then",
            "        previous=\"${COMP_WORDS[COMP_CWORD - 2]}\"",
            "    fi",
            "    for ((index = 1; index < COMP_CWORD; index++)); do",
            "        case \"$command ${COMP_WORDS[index]}\" in",
        ]
        let names = command.all.dropFirst().map { ShellCompletion.quoted($0.name) }
        lines.append("            \(names.joined(separator: " | "))) command=\"$command ${COMP_WORDS[index]}\" ;;")
        lines += ["        esac", "    done", "    case \"$command $previous\" in"]
        for member in command.all { lines += values(of: member) }
        lines += ["    esac", "    case \"$command\" in"]
        for member in command.all { lines.append(words(of: member)) }
        lines += [
            "    esac",
            "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))",
            "    # An argument that is no flag may be a file.",
            "    if [ ${#COMPREPLY[@]} -eq 0 ] && [ \"${current#-}\" = \"$current\" ]; then",
            "        _martlet_paths -f \"$current\"",
            "    fi",
            "}",
            "_martlet_paths() {",
            "    local IFS=$'\\n'",
            "    compopt -o filenames 2>/dev/null",
            "    COMPREPLY=($(compgen \"$1\" -- \"$2\"))",
            "}",
            "complete -F _martlet martlet",
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    /// The line with the flags and subcommands of a command.
    private func words(of member: CommandReference) -> String {
        let words = member.subcommands.map(\.word) + member.flags.flatMap(\.names)
        return "        \(ShellCompletion.quoted(member.name))) "
            + "words=\(ShellCompletion.quoted(words.joined(separator: " "))) ;;"
    }

    /// One case per flag of the command that has a value.
    private func values(of member: CommandReference) -> [String] {
        member.flags.filter { !$0.values.isEmpty }.map { flag in
            let patterns = flag.names.map { ShellCompletion.quoted(member.name + " " + $0) }.joined(separator: " | ")
            let reply =
                switch flag.values[0].completion {
                case .words(let words):
                    "COMPREPLY=($(compgen -W \(ShellCompletion.quoted(words.joined(separator: " "))) -- \"$current\"))"
                case .files: "_martlet_paths -f \"$current\""
                case .folders: "_martlet_paths -d \"$current\""
                case .unknown: "COMPREPLY=()"
                }
            return "        \(patterns)) \(reply); return ;;"
        }
    }
}
