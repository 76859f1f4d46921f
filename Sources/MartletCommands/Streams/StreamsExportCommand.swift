import ArgumentParser
import MartletJSON
import MartletStreams
import OrderedCollections

/// `martlet streams export`: prints a generation on disk as JSON.
///
/// Example: `martlet streams export 3f…` prints one line such as
/// `{"id":"chatcmpl-3f…","state":"finished", …,"request":{"messages":[…]},"token_ids":[12,99],"text":"Hello."}`.
/// A generation with several choices has `texts` instead of `text`.
struct StreamsExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Print a generation on disk as JSON: request, tokens and text.")

    @Argument(help: "The generation's id, the unique beginning of it, or a label.")
    var id: String

    @OptionGroup var state: StateFolderOptions

    /// Prints one line of JSON. Bytes of the output that are no UTF-8 become U+FFFD.
    func run() throws {
        let generation = try state.generation(id)
        var object = generation.facts
        object["request"] = generation.body
        object["token_ids"] = .array(generation.tokens.map { .integer(Int64($0)) })
        let texts = generation.outputs.map { JSONValue.string(String(decoding: $0, as: UTF8.self)) }
        if texts.count == 1 { object["text"] = texts[0] } else { object["texts"] = .array(texts) }
        Terminal.write(JSONValue.object(object).text + "\n")
    }
}
