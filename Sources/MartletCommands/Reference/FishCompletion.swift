/// The completion script for fish, to be installed as `martlet.fish` in a folder of `$fish_complete_path`.
///
/// Each line offers one flag or subcommand under the condition that the words before the cursor select its command.
struct FishCompletion {
    /// The root of the command tree.
    let command: CommandReference

    /// The whole script: a function that finds the command, and a line per flag and subcommand.
    var script: String {
        let names = command.all.dropFirst().map { ShellCompletion.quoted($0.name) }.joined(separator: " ")
        var lines = [
            "# fish completion for martlet. Made by 'martlet flags --completions fish'. Do not edit.",
            "function __martlet_at",
            "    set -l command martlet",
            "    for word in (commandline -opc)[2..]",
            "        switch \"$command $word\"",
            "            case \(names)",
            "                set command \"$command $word\"",
            "        end",
            "    end",
            "    test \"$command\" = \"$argv\"",
            "end",
            "complete -c martlet -f",
        ]
        for member in command.all {
            let condition = "complete -c martlet -n " + ShellCompletion.quoted("__martlet_at " + member.name)
            for subcommand in member.subcommands {
                lines.append("\(condition) -a \(subcommand.word) -d \(Self.description(subcommand.abstract))")
            }
            if member.arguments.contains(where: { $0.value.completion == .files }) { lines.append("\(condition) -F") }
            lines += member.flags.map { "\(condition)\(Self.options($0)) -d \(Self.description($0.help))" }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The spellings and the value of a flag. fish has `-s` for `-m`, `-o` for `-ngl` and `-l` for `--model`.
    private static func options(_ flag: FlagReference) -> String {
        let names = flag.names.map { name in
            if name.hasPrefix("--") { return " -l \(name.dropFirst(2))" }
            return name.count == 2 ? " -s \(name.dropFirst())" : " -o \(name.dropFirst())"
        }.joined()
        switch flag.values.first?.completion {
        case nil: return names
        case .words(let words): return names + " -x -a " + ShellCompletion.quoted(words.joined(separator: " "))
        case .files: return names + " -r -F"
        case .folders: return names + " -x -a '(__fish_complete_directories)'"
        case .unknown: return names + " -x"
        }
    }

    /// The first sentence of a help text, quoted for fish.
    private static func description(_ help: String) -> String {
        // Within single quotes fish reads a backslash as an escape only before a quote or a backslash.
        let text = ShellCompletion.summary(help).split(separator: "\\", omittingEmptySubsequences: false)
        return ShellCompletion.quoted(text.joined(separator: "\\\\"))
    }
}
