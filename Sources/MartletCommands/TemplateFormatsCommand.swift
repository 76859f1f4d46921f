import ArgumentParser
import Llama
import MartletChat

/// `martlet template formats`: prints the chat formats of templates as a table in Markdown.
///
/// Example: `martlet template formats model.gguf` prints a row with the file, its chat format and its delimiters of reasoning
/// and tool calls.
struct TemplateFormatsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "formats", abstract: "Print the chat formats of templates: reasoning and tool calls.",
        discussion: "The output is a table in Markdown with a row per file, or per known chat format.")

    @Argument(help: "Files with chat templates, or GGUF files.", completion: .file())
    var files: [String] = []

    @Flag(help: "Print the known chat formats.")
    var families = false

    @Flag(help: "Print both as the page docs/templates.md.")
    var page = false

    /// Without a file the command needs --families, because there is nothing else to print.
    func validate() throws {
        guard families || !files.isEmpty else { throw ValidationError("give a file, or --families") }
    }

    /// Prints the known chat formats first, then the table of the files.
    func run() throws {
        do {
            if families { Terminal.write(ChatFormatTable.formats()) }
            if files.isEmpty { return }
            var table = ChatFormatTable()
            for file in files {
                let (source, toolUse) = try Self.sources(of: file)
                do {
                    let template = try ChatTemplate(
                        source: source, toolUseSource: toolUse, beginningToken: "<s>", endToken: "</s>")
                    table.add(file, template)
                } catch {
                    throw CommandFailure.exit("\(file): \(error)")
                }
            }
            Terminal.write(page ? table.page : table.text)
        } catch let error as SettingError {
            throw CommandFailure.exit(error)
        } catch let error as LlamaError {
            throw CommandFailure.exit("\(error)")
        }
    }

    /// The chat template of a file, and its separate template for tools if there is one.
    private static func sources(of file: String) throws -> (source: String, toolUse: String?) {
        guard try SmallFile.begins(file, with: Array("GGUF".utf8), for: "FILE") else {
            return (try SmallFile.text(file, for: "FILE"), nil)
        }
        var options = Model.Options()
        options.vocabularyOnly = true
        QuietLoader.begin()
        let model = try Model(path: file, options: options)
        return (model.chatTemplate() ?? ChatTemplate.chatML, model.chatTemplate(named: "tool_use"))
    }
}
