import ArgumentParser
import MartletJSON
import MartletObservability
import OrderedCollections

/// `martlet streams show`: prints the metadata of a generation on disk, a line per field.
///
/// Example: `martlet streams show 3f…` prints lines such as `state        finished` and `tokens       128`.
struct StreamsShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show the metadata of a generation on disk, without its texts.")

    @Argument(help: "The generation's id, the unique beginning of it, or a label.")
    var id: String

    @OptionGroup var state: StateFolderOptions

    /// Prints the fields that have a value, in two columns.
    func run() throws {
        let facts = try state.generation(id).facts
        let width = facts.keys.map(\.count).max() ?? 0
        for (name, value) in facts where value != .null {
            let padding = String(repeating: " ", count: width - name.count)
            Terminal.write("\(name)\(padding)  \(Self.text(name, value).printable)\n")
        }
    }

    /// A value as text; times as dates in UTC.
    private static func text(_ name: String, _ value: JSONValue) -> String {
        if ["created", "last_change"].contains(name), let seconds = value.integerValue {
            return Timestamp.text(seconds: Int(seconds), milliseconds: 0)
        }
        return value.stringValue ?? value.text
    }
}
