package import ArgumentParser
import MartletPlatform

/// The program: a command tree with an overview of a dozen lines.
///
/// Example: `martlet` and `martlet --help` print the overview; `martlet chat --help` describes a command.
package struct MartletCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "martlet",
        abstract: "A local LLM server whose responses are never lost.",
        version: MartletVersion.current,
        subcommands: [WorkerCommand.self],
        groupedSubcommands: [
            CommandGroup(
                name: "Use",
                subcommands: [
                    ServeCommand.self, ChatCommand.self, RunCommand.self, ConnectCommand.self, StreamsCommand.self,
                ]),
            CommandGroup(
                name: "Models",
                subcommands: [
                    ListCommand.self, ShowCommand.self, PullCommand.self, RemoveCommand.self, LoadedModelsCommand.self,
                    LoadCommand.self, UnloadCommand.self,
                ]),
            CommandGroup(name: "Check", subcommands: [DoctorCommand.self, ExplainCommand.self, BenchCommand.self]),
            CommandGroup(
                name: "Develop", subcommands: [SchemaCommand.self, TemplateCommand.self]),
            CommandGroup(name: "Print", subcommands: [FlagsCommand.self]),
        ]
    )

    /// Made by the argument parser, which fills in the flags.
    package init() {}

    /// Prints the overview: without a subcommand there is nothing to run.
    package func run() async throws { Terminal.write(Self.overview) }

    /// Parses the arguments and runs the command. Ends the process after an error: wrong usage is one line and ``ExitStatus/usage``.
    private static func execute(_ arguments: [String]) async {
        do {
            var command = try parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            guard exitCode(for: error) == .validationFailure, let program = try? reference() else {
                exit(withError: error)
            }
            let line = UsageProblem.line(arguments: arguments, message: message(for: error), program: program)
            exit(withError: CommandFailure.exit(line, usage: true))
        }
    }

    /// The groups with one line per command. The server starts workers itself, so `worker` is not listed.
    static var overview: String {
        var lines = ["martlet \(MartletVersion.current): \(configuration.abstract)", ""]
        for group in configuration.groupedSubcommands {
            var heading = group.name
            for subcommand in group.subcommands {
                let command: CommandConfiguration = subcommand.configuration
                lines.append(
                    "  " + padded(heading, to: 9) + padded(command.commandName ?? "", to: 11) + command.abstract)
                heading = ""
            }
        }
        lines += ["", "'martlet COMMAND --help' describes a command."]
        return lines.joined(separator: "\n") + "\n"
    }

    /// The names of all commands, also of commands that the overview leaves out.
    static var commandNames: [String] {
        let grouped = configuration.groupedSubcommands.flatMap(\.subcommands)
        return (configuration.subcommands + grouped).map { $0.configuration.commandName ?? "" } + ["help"]
    }

    /// The text with blanks behind it, at least one.
    private static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }

    /// Runs the command that the process's arguments name, and ends the process.
    package static func start() async {
        #if os(Linux)
            // Swift reads the arguments there. Without the file each command line looks empty.
            if access("/proc/self/cmdline", R_OK) != 0 {
                exit(withError: CommandFailure.exit("/proc is not mounted; mount it with 'mount -t proc proc /proc'"))
            }
        #endif
        let arguments = Array(CommandLine.arguments.dropFirst())
        if let name = arguments.first, let line = CommandSuggestion.error(name, commands: commandNames) {
            exit(withError: CommandFailure.exit(line, usage: true))
        }
        if arguments.first == "help", let name = arguments.dropFirst().first,
            let line = CommandSuggestion.error(name, commands: commandNames)
        {
            exit(withError: CommandFailure.exit(line, usage: true))
        }
        // The parser's own help of the whole program takes three times as many lines and has no groups.
        if [["--help"], ["-h"], ["help"]].contains(arguments) {
            return Terminal.write(overview)
        }
        await execute(arguments)
    }
}
