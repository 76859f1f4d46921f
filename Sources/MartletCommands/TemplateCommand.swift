import ArgumentParser

/// `martlet template`: renders prompts and parses output with a chat template, without a model.
struct TemplateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "template", abstract: "Render prompts and parse output with a chat template.",
        subcommands: [TemplateRenderCommand.self, TemplateParseCommand.self])
}
