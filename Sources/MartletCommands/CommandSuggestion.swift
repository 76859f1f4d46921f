/// The error for an unknown command, with the command that is meant.
///
/// Example: `martlet server` has the error `unknown command 'server'; did you mean 'martlet serve'?`.
enum CommandSuggestion {
    /// Commands of other programs with the same effect.
    private static let others = [
        "server": "serve", "start": "serve", "up": "serve", "ls": "list", "models": "list", "download": "pull",
        "get": "pull", "generate": "chat", "prompt": "chat", "remove": "rm", "delete": "rm", "info": "show",
        "stop": "unload",
        "benchmark": "bench", "templates": "template formats",
    ]

    /// The error for the first argument of the program.
    /// - Returns: `nil` for a command, a flag, or a program without a flag.
    static func error(_ name: String, commands: [String]) -> String? {
        guard !name.hasPrefix("-"), !commands.contains(name) else { return nil }
        // A mistyped word never means a removal.
        let possible = commands.filter { !["worker", "rm"].contains($0) }
        let nearest = others[name] ?? NearestWord.find(name, among: possible)
        let advice = nearest.map { "did you mean 'martlet \($0)'?" } ?? "'martlet --help' lists all"
        return "unknown command '\(name.printable)'; \(advice)"
    }
}
