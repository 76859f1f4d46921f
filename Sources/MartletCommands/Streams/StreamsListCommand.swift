import ArgumentParser
import MartletObservability
import MartletStreams

/// `martlet streams ls`: prints one line per generation on disk.
///
/// Example:
///
///     ID                                STATE       BEGAN                     TOKENS  BYTES  MODEL      LABEL
///     3f0c5a4be1d24f7f9d4f0c55ab8d7e21  finished    2026-11-29T20:49:14.000Z  128     4112   fledgling  notes
struct StreamsListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List the generations on disk, oldest first.")

    @OptionGroup var state: StateFolderOptions

    /// Reads all journals, in the order of their begin. A running server may write at the same time.
    func run() throws {
        do {
            let folder = try state.journals()
            var lines: [[String]] = [["ID", "STATE", "BEGAN", "TOKENS", "BYTES", "MODEL", "LABEL"]]
            for id in folder.inOrder(try folder.ids()) {
                // A damaged or foreign entry must not prevent the list of the other journals.
                guard let result = try? folder.read(id), let generation = result.generation else {
                    lines.append([id, "unreadable", "", "", "", "", ""])
                    continue
                }
                lines.append([
                    id, generation.stateText + (result.damage == nil ? "" : ", damaged"),
                    Timestamp.text(seconds: Int(generation.head.log.created), milliseconds: 0),
                    "\(generation.tokens.count)",
                    "\(generation.extent.byteCount)", generation.head.log.model, generation.head.label ?? "",
                ])
            }
            Terminal.write(TextTable.text(lines))
        } catch let error as JournalError {
            throw CommandFailure.exit(error)
        }
    }
}
