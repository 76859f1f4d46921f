import ArgumentParser
import MartletJSON
import OrderedCollections

/// `martlet streams show`: what is known of one answer on disk, but for its texts.
struct StreamsShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show what is known of an answer on disk, without its texts.")

    @Argument(help: "The generation's id.")
    var id: String

    @OptionGroup var state: StateFolderOptions

    func run() throws {
        let facts = try state.generation(id).facts
        let width = facts.keys.map(\.count).max() ?? 0
        for (name, value) in facts where value != .null {
            let padding = String(repeating: " ", count: width - name.count)
            Terminal.write("\(name)\(padding)  \((value.stringValue ?? value.text).printable)\n")
        }
    }
}
