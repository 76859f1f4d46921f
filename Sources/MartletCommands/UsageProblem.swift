import MartletText

/// The line for a command line that the argument parser refuses: the fault, and the nearest flag or command.
///
/// Example: `martlet list --modls-dir x` has the line `unknown flag '--modls-dir' of 'martlet list'; did you mean
/// '--models-dir'?`. Pure: depends on the arguments and the description of the commands.
enum UsageProblem {
    /// The line without the program's name.
    /// - Parameters:
    ///   - arguments: The words behind the program's name.
    ///   - message: The parser's own message, for faults that are neither an unknown flag nor an unknown command.
    ///   - program: The description of all commands.
    static func line(arguments: [String], message: String, program: CommandReference) -> String {
        let (command, rest) = command(of: arguments, below: program)
        if let word = rest.first, !command.subcommands.isEmpty, !word.hasPrefix("-") {
            let nearest = NearestWord.find(word, among: command.subcommands.map(\.word))
            let advice = nearest.map { "did you mean '\(command.name) \($0)'?" } ?? "'\(command.name) --help' lists all"
            return "unknown command '\(command.name) \(word.printable)'; \(advice)"
        }
        if let flag = unknownFlag(in: rest, of: command) {
            let names = command.flags.flatMap(\.names).filter { $0.hasPrefix("--") }
            let advice =
                NearestWord.find(flag, among: names).map { "did you mean '\($0)'?" }
                ?? "'\(command.name) --help' lists all"
            return "unknown flag '\(flag.printable)' of '\(command.name)'; \(advice)"
        }
        return "\(sentence(message)); '\(command.name) --help' describes the command"
    }

    /// The parser's message in one line, without a capital letter and a full stop. A list becomes words with commas.
    private static func sentence(_ message: String) -> String {
        var text = ""
        for line in message.split(whereSeparator: \.isNewline) {
            let words = line.drop(while: \.isWhitespace)
            let isItem = words.hasPrefix("- ")
            let separator = text.isEmpty ? "" : isItem && !text.hasSuffix(":") ? ", " : " "
            text += separator + (isItem ? words.dropFirst(2) : words)
        }
        return text.prefix(1).lowercased() + text.dropFirst().trimmingSuffix { $0 == "." }
    }

    /// The command that the first words select, and the words behind them.
    private static func command(
        of arguments: [String], below program: CommandReference
    ) -> (CommandReference, ArraySlice<String>) {
        var command = program
        var rest = arguments[...]
        while let word = rest.first, let next = command.subcommands.first(where: { $0.word.hasSameBytes(as: word) }) {
            command = next
            rest = rest.dropFirst()
        }
        return (command, rest)
    }

    /// The first word before `--` that looks like a flag and is none of the command; without a value behind `=`.
    private static func unknownFlag(in arguments: ArraySlice<String>, of command: CommandReference) -> String? {
        let known = Set<String>(command.flags.flatMap(\.names) + ["-h", "--help", "--version"])
        for word in arguments.prefix(while: { $0 != "--" }) where word.count > 1 && word.hasPrefix("-") {
            let name = String(word.prefix { $0 != "=" })
            // A number is a value. Short flags may be joined with each other or with a value, e.g. `-ojson`.
            guard Double(name) == nil, !known.contains(name) else { continue }
            if name.hasPrefix("--") || !known.contains(String(name.prefix(2))) { return name }
        }
        return nil
    }
}

extension Substring {
    /// The text without the characters at its end that fulfil the condition.
    fileprivate func trimmingSuffix(while condition: (Character) -> Bool) -> Substring {
        var text = self
        while let last = text.last, condition(last) { text.removeLast() }
        return text
    }
}
