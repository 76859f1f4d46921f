import ArgumentParser

/// `martlet streams`: looks after answers that outlive their server.
struct StreamsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "streams", abstract: "Look at answers on disk, and remove them.",
        subcommands: [
            StreamsListCommand.self, StreamsShowCommand.self, StreamsExportCommand.self, StreamsRemoveCommand.self,
        ])
}
