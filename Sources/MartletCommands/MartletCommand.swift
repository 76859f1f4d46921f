package import ArgumentParser
import MartletPlatform

/// The program.
package struct MartletCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "martlet",
        abstract: "A local LLM server whose answers are never lost.",
        version: MartletVersion.current,
        subcommands: [
            ServeCommand.self, ChatCommand.self, StreamsCommand.self, SchemaCommand.self, TemplateCommand.self,
            TemplatesCommand.self, WorkerCommand.self, BenchCommand.self, DoctorCommand.self, FlagsCommand.self,
        ]
    )

    package init() {}

    /// Runs the command that the process's arguments name, and ends the process.
    package static func start() async {
        #if os(Linux)
            // Swift reads the arguments there. Without the file each command line looks empty.
            if access("/proc/self/cmdline", R_OK) != 0 {
                exit(withError: CommandFailure.exit("/proc is not mounted; mount it with 'mount -t proc proc /proc'"))
            }
        #endif
        await main()
    }
}
