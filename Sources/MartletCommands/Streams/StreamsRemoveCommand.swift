import ArgumentParser
import MartletStreams

/// `martlet streams rm`: removes answers from the disk.
struct StreamsRemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove answers from the disk.",
        discussion: "While a server uses the folder, ask it instead: DELETE /v1/generations/ID.")

    @Argument(help: "The generations' ids.")
    var ids: [String] = []

    @Flag(help: "All that have ended.")
    var ended = false

    @Flag(help: "All.")
    var all = false

    @OptionGroup var state: StateFolderOptions

    func validate() throws {
        guard [!ids.isEmpty, ended, all].count(where: { $0 }) == 1 else {
            throw ValidationError("Name ids, or say --ended or --all.")
        }
    }

    func run() throws {
        do {
            let folder = try state.journals()
            try folder.prepare()
            guard let lock = try folder.lock() else {
                throw CommandFailure.exit("a server uses \(folder.path); ask it instead: DELETE /v1/generations/ID")
            }
            let chosen =
                ids.isEmpty ? try folder.ids().filter { isChosen($0, in: folder) } : try ids.map(StateFolderOptions.id)
            var failures: [JournalError] = []
            for id in chosen {
                do throws(JournalError) { try folder.erase(id) } catch { failures.append(error) }
            }
            lock.release()
            Terminal.write("\(chosen.count - failures.count) removed\n")
            if let failure = failures.first { throw failure }
        } catch let error as JournalError {
            throw CommandFailure.exit(error)
        }
    }

    private func isChosen(_ id: String, in folder: JournalFolder) -> Bool {
        all || (try? folder.read(id))?.generation?.isEnded == true
    }
}
