import ArgumentParser

/// `martlet streams`: lists, shows, exports and removes resumable generations on disk. It needs no server.
struct StreamsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "streams", abstract: "List, show, export and remove generations on disk.",
        subcommands: [
            StreamsListCommand.self, StreamsShowCommand.self, StreamsExportCommand.self, StreamsRemoveCommand.self,
        ])
}
