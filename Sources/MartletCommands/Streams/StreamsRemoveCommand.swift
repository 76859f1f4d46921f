import ArgumentParser
import MartletStreams

/// `martlet streams rm`: removes generations from the disk.
///
/// Example: `martlet streams rm --ended` prints `12 removed`. The command takes the folder's lock, so it fails while a
/// server uses the folder: a journal under a running generation must not disappear.
struct StreamsRemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove generations from the disk.",
        discussion: "While a server uses the folder, send the server a request instead: DELETE /v1/generations/ID.")

    @Argument(help: "Ids, unique beginnings of ids, or labels.")
    var ids: [String] = []

    @Flag(help: "Remove all generations that have ended.")
    var ended = false

    @Flag(help: "Remove all generations.")
    var all = false

    @OptionGroup var state: StateFolderOptions

    /// Exactly one way of selection: ids, --ended or --all.
    func validate() throws {
        guard [!ids.isEmpty, ended, all].count(where: { $0 }) == 1 else {
            throw ValidationError("give ids, or --ended, or --all")
        }
    }

    /// Removes as many journals as possible, then reports the first error.
    func run() throws {
        do {
            let folder = try state.journals()
            try folder.prepare()
            guard let lock = try folder.lock() else {
                throw CommandFailure.exit("a server uses \(folder.path); send it DELETE /v1/generations/ID instead")
            }
            let chosen =
                ids.isEmpty
                ? try folder.ids().filter { isChosen($0, in: folder) } : try ids.map { try state.id($0, in: folder) }
            var failures: [JournalError] = []
            for id in chosen {
                do throws(JournalError) { try folder.erase(id, syncs: true) } catch { failures.append(error) }
            }
            lock.release()
            Terminal.write("\(chosen.count - failures.count) removed\n")
            if let failure = failures.first { throw failure }
        } catch let error as JournalError {
            throw CommandFailure.exit(error)
        }
    }

    /// Whether a flag selects the journal. An unreadable journal is selected by --all only.
    private func isChosen(_ id: String, in folder: JournalFolder) -> Bool {
        all || (try? folder.read(id))?.generation?.isEnded == true
    }
}
