import ArgumentParser
import MartletJSON
import MartletStreams
import OrderedCollections

/// `martlet streams export`: one answer on disk as JSON, with its request and texts.
struct StreamsExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Print an answer on disk as JSON: its request, tokens and text.")

    @Argument(help: "The generation's id.")
    var id: String

    @OptionGroup var state: StateFolderOptions

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
