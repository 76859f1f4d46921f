import ArgumentParser
import Llama
import MartletChat

/// `martlet templates`: says how the models of chat templates write their answers.
struct TemplatesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "templates", abstract: "Say how models write thinking and tool calls, by their templates.",
        discussion: "The result is a table in Markdown: one row for each file, or for each known family.")

    @Argument(help: "Files with chat templates, or GGUF files.")
    var files: [String] = []

    @Flag(help: "Print the families that are known.")
    var families = false

    @Flag(help: "Print both as the page docs/templates.md.")
    var page = false

    func validate() throws {
        guard families || !files.isEmpty else { throw ValidationError("name a file, or give --families") }
    }

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

    /// The template of a file, and the one for tools if it has one of its own.
    private static func sources(of file: String) throws -> (source: String, toolUse: String?) {
        guard try SmallFile.begins(file, with: Array("GGUF".utf8), for: "FILE") else {
            return (try SmallFile.text(file, for: "FILE"), nil)
        }
        var options = Model.Options()
        options.vocabularyOnly = true
        let model = try Model(path: file, options: options)
        return (model.chatTemplate() ?? ChatTemplate.chatML, model.chatTemplate(named: "tool_use"))
    }
}
