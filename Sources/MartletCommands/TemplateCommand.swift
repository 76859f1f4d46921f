import ArgumentParser

/// `martlet template`: works on chat templates without a model.
struct TemplateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "template", abstract: "Work on chat templates.",
        subcommands: [TemplateRenderCommand.self, TemplateParseCommand.self])
}
