import ArgumentParser
import MartletChat
import MartletJSON
import MartletJinja

/// `martlet template render`: prints the prompt that a chat template makes of messages.
///
/// Example: with `{"messages": [{"role": "user", "content": "Hi"}]}` as INPUT and a ChatML template the command prints
/// `<|im_start|>user`, `Hi<|im_end|>` and `<|im_start|>assistant` in three lines.
struct TemplateRenderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "render",
        abstract:
            "Print the prompt that a template makes of messages.",
        discussion: """
            The messages reach the template unchanged, as in Python; a server adapts them to the template first.

            INPUT is a JSON object: messages, and optionally tools, add_generation_prompt (default: true), kwargs, \
            bos_token, eos_token, and now as in 2026-01-15T10:30:00.
            """)

    @Argument(help: "A file with a chat template.", completion: .file())
    var template: String

    @Argument(help: "A file with the template's input, as JSON.", completion: .file())
    var input: String

    @Flag(help: "Print the prompt's segments as JSON, each with its provenance (trusted or not).")
    var segments = false

    /// Each kind of error ends with one line on standard error and the exit code 1.
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
