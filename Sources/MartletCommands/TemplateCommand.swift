import ArgumentParser

/// `martlet template`: renders prompts, parses output, and prints chat formats, without a model.
struct TemplateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "template",
        abstract: "Render prompts and parse output with a chat template, and print chat formats.",
        subcommands: [TemplateRenderCommand.self, TemplateParseCommand.self, TemplateFormatsCommand.self])
}
