import ArgumentParser
import MartletPlatform
import MartletStreams

/// The flag that selects the state folder of a command about streams.
struct StateFolderOptions: ParsableArguments {
    @Option(help: "The server's state folder. Default: as for 'martlet serve'.", completion: .directory)
    var stateDir: String?

    /// The folder of `--state-dir`, of `MARTLET_STATE_DIR`, or the server's default, in this order.
    /// - Throws: An exit code after one line on standard error, if there is no home folder.
    func journals() throws -> JournalFolder {
        let path =
            stateDir ?? CurrentProcess.environment("MARTLET_STATE_DIR")
            ?? JournalFolder.defaultPath(environment: CurrentProcess.environment)
        guard let path else {
            throw CommandFailure.exit("there is no home folder; set the state folder with --state-dir")
        }
        return JournalFolder(path: path)
    }

    /// Reads one journal up to its first damage. The damage is reported on standard error.
    /// - Parameter name: An id, the unique beginning of an id, or a label; see ``StreamSelection``.
    /// - Throws: An exit code after one line on standard error, if there is no such journal.
    func generation(_ name: String) throws -> StoredGeneration {
        do {
            let folder = try journals()
            let id = try id(name, in: folder)
            let result = try folder.read(id)
            if let damage = result.damage {
                Terminal.write("martlet: the journal is damaged and was read in part: \(damage)\n", to: STDERR_FILENO)
            }
            guard let generation = result.generation else {
                throw CommandFailure.exit("the journal of \(id) cannot be read")
            }
            return generation
        } catch let error as JournalError {
            throw CommandFailure.exit(error)
        }
    }

    /// The id of a journal: 32 hexadecimal digits.
    /// - Throws: An exit code after one line on standard error, if no journal or several ones match.
    func id(_ name: String, in folder: JournalFolder) throws -> String {
        let ids = folder.inOrder(try folder.ids())
        let result = StreamSelection.id(of: name, ids: ids) { id in
            (try? folder.read(id))?.generation?.head.label
        }
        switch result {
        case .id(let id): return id
        case .invalid(let message): throw CommandFailure.exit(message)
        }
    }
}
