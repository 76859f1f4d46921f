import ArgumentParser
import MartletJSON
import OrderedCollections

/// `martlet streams show`: prints the metadata of a generation on disk, a line per field.
///
/// Example: `martlet streams show 3f…` prints lines such as `state        finished` and `tokens       128`.
struct StreamsShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show the metadata of a generation on disk, without its texts.")

    @Argument(help: "The generation's id.")
    var id: String

    @OptionGroup var state: StateFolderOptions

    /// Prints the fields that have a value, in two columns.
    func run() throws {
        let facts = try state.generation(id).facts
        let width = facts.keys.map(\.count).max() ?? 0
        for (name, value) in facts where value != .null {
            let padding = String(repeating: " ", count: width - name.count)
            Terminal.write("\(name)\(padding)  \((value.stringValue ?? value.text).printable)\n")
        }
    }
}
