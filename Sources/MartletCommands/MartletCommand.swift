package import ArgumentParser

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
}
