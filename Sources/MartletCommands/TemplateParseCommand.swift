import ArgumentParser
import MartletChat
import MartletJSON
import MartletJinja

/// `martlet template parse`: prints the message that an answer is read as.
struct TemplateParseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parse", abstract: "Print the message that a model's answer is read as.",
        discussion: """
            INPUT is a JSON object: output (or pieces, the same in parts), and optionally tools, messages (default: a \
            greeting), kwargs and reasoning_format (none, auto or deepseek). The message is printed as one line of JSON. \
            The answer is read whole and cut at every place; where the message depends on that, the command fails.
            """)

    @Argument(help: "A file with a chat template.")
    var template: String

    @Argument(help: "A file with the answer and what was asked.")
    var input: String

    @Flag(help: "Print before the message what was recognised where: bytes, kind and text, a line each.")
    var explain = false

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
