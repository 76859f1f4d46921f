import ArgumentParser
import MartletObservability
import MartletStreams

/// `martlet streams ls`: prints one line per generation on disk.
///
/// Example:
///
///     ID                                         STATE     AGE    TOKENS  MODEL      LABEL  REQUEST
///     chatcmpl-3f0c5a4be1d24f7f9d4f0c55ab8d7e21  finished  3 min  128     fledgling  notes  Tell me a story.
struct StreamsListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List the generations on disk, oldest first.")

    @OptionGroup var state: StateFolderOptions

    /// Reads all journals, in the order of their begin. A running server may write at the same time.
    func run() throws {
        do {
            let folder = try state.journals()
            let now = Timestamp.milliseconds() / 1_000
            var lines: [[String]] = [["ID", "STATE", "AGE", "TOKENS", "MODEL", "LABEL", "REQUEST"]]
            for id in folder.inOrder(try folder.ids()) {
                // A damaged or foreign entry must not prevent the list of the other journals.
                guard let result = try? folder.read(id), let generation = result.generation else {
                    lines.append([id, "unreadable", "", "", "", "", ""])
                    continue
                }
                lines.append([
                    generation.head.responseID, generation.stateText + (result.damage == nil ? "" : ", damaged"),
                    AgeText.text(seconds: now - generation.head.log.created), "\(generation.tokens.count)",
                    generation.head.log.model, generation.head.label ?? "", generation.preview,
                ])
            }
            Terminal.write(TextTable.text(lines))
        } catch let error as JournalError {
            throw CommandFailure.exit(error)
        }
    }
}
