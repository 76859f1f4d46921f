import ArgumentParser

/// `martlet schema`: works on JSON Schemas without a server.
struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Work on JSON Schemas.", subcommands: [SchemaCheckCommand.self])
}
