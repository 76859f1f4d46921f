import ArgumentParser
import MartletPlatform
import MartletStreams

/// The folder that a command about streams works on.
struct StateFolderOptions: ParsableArguments {
    @Option(help: "Where the server keeps its state. Default: as for 'martlet serve'.")
    var stateDir: String?

    func journals() throws -> JournalFolder {
        let path =
            stateDir ?? CurrentProcess.environment("MARTLET_STATE_DIR")
            ?? JournalFolder.defaultPath(environment: CurrentProcess.environment)
        guard let path else { throw CommandFailure.exit("there is no home folder; name the state with --state-dir") }
        return JournalFolder(path: path)
    }

    /// One journal, as far as it can be read.
    /// - Parameter name: the generation's id, with or without the prefix of a wire format.
    func generation(_ name: String) throws -> StoredGeneration {
        let id = try Self.id(name)
        do {
            let result = try journals().read(id)
            if let damage = result.damage {
                Terminal.write("martlet: not all of it counts: \(damage)\n", to: STDERR_FILENO)
            }
            guard let generation = result.generation else { throw CommandFailure.exit("nothing of \(id) can be read") }
            return generation
        } catch let error as JournalError {
            throw CommandFailure.exit(error)
        }
    }

    static func id(_ name: String) throws -> String {
        let id = String(name.split(separator: "-").last ?? "")
        guard JournalFolder.isID(id) else {
            throw CommandFailure.exit("ID: 32 hexadecimal digits are wanted, with or without a prefix, but got \(name)")
        }
        return id
    }
}
