import ArgumentParser

/// `martlet schema`: works on JSON Schemas without a server.
struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Check JSON Schemas, and test instances of them.",
        subcommands: [SchemaCheckCommand.self])
}
