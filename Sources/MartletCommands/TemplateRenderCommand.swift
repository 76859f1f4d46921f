import ArgumentParser
import MartletChat
import MartletJSON
import MartletJinja

/// `martlet template render`: prints the prompt that a chat template makes of messages.
struct TemplateRenderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "render",
        abstract:
            "Print the prompt that a template makes of messages in Python's Jinja; a server adapts messages first.",
        discussion: """
            INPUT is a JSON object: messages, and optionally tools, add_generation_prompt (default: true), kwargs, \
            bos_token, eos_token, and now as in 2026-01-15T10:30:00.
            """)

    @Argument(help: "A file with a chat template.")
    var template: String

    @Argument(help: "A file with what it is rendered with.")
    var input: String

    @Flag(help: "Print the prompt's parts as JSON, with whether each is trusted.")
    var segments = false

    func run() throws {
        do {
            let source = try SmallFile.text(template, for: "TEMPLATE")
            let json = try JSONParser.parse(SmallFile.bytes(input, for: "INPUT"))
            let rendered = try TemplateRenderInput(json).render(source: source)
            Terminal.write(segments ? rendered.segmentsJSON.text + "\n" : rendered.text)
        } catch let error as TemplateError {
            throw CommandFailure.exit(error.description)
        } catch let error as JSONError {
            throw CommandFailure.exit("INPUT is not JSON: \(error)")
        } catch let error as TemplateRenderInput.InputError {
            throw CommandFailure.exit("INPUT: \(error)")
        } catch let error as SettingError {
            throw CommandFailure.exit(error)
        }
    }
}
