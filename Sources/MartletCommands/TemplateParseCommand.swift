import ArgumentParser
import MartletChat
import MartletJSON
import MartletJinja

/// `martlet template parse`: prints the message that the output parser makes of output.
///
/// Example: with `{"output": "<think>Hm.</think>Hello"}` as INPUT the command prints
/// `{"role":"assistant","content":"Hello","reasoning_content":"Hm."}`.
struct TemplateParseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parse", abstract: "Print the message that a model's output is parsed into.",
        discussion: """
            INPUT is a JSON object: output (or pieces, an array of its parts), and optionally tools, messages (default: a \
            greeting), kwargs and reasoning_format (none, auto or deepseek). The message is one line of JSON. The command \
            parses the output as a whole and split at each position, and fails if the messages differ.
            """)

    @Argument(help: "A file with a chat template.", completion: .file())
    var template: String

    @Argument(help: "A file with the output and its request, as JSON.", completion: .file())
    var input: String

    @Flag(help: "First print each recognised part in a line: byte range, kind and text.")
    var explain = false

    /// Each kind of error ends with one line on standard error and the exit code 1.
    func run() throws {
        do {
            let source = try SmallFile.text(template, for: "TEMPLATE")
            let json = try JSONParser.parse(SmallFile.bytes(input, for: "INPUT"))
            let result = try TemplateParseInput(json).parse(source: source)
            if explain {
                Terminal.write("form\t\(result.format)\n")
                for line in result.explanation.lines { Terminal.write(line + "\n") }
            }
            Terminal.write(result.message.json.text + "\n")
        } catch let error as TemplateError {
            throw CommandFailure.exit(error.description)
        } catch let error as JSONError {
            throw CommandFailure.exit("INPUT is not JSON: \(error)")
        } catch let error as TemplateParseInput.InputError {
            throw CommandFailure.exit("INPUT: \(error)")
        } catch let error as TemplateParseInput.CutError {
            throw CommandFailure.exit(error)
        } catch let error as SettingError {
            throw CommandFailure.exit(error)
        }
    }
}
