package import ArgumentParser

/// The program.
package struct MartletCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "martlet",
        abstract: "A local LLM server whose answers are never lost.",
        version: MartletVersion.current,
        subcommands: [
            ServeCommand.self, ChatCommand.self, StreamsCommand.self, TemplateCommand.self, WorkerCommand.self,
            FlagsCommand.self,
        ]
    )

    package init() {}
}
