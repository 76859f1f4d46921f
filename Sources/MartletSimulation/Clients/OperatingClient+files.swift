import MartletProtocol
import MartletStreams
import MartletTestSupport

/// The commands of an operator that work on the files of the state folder, without the server.
extension OperatingClient {
    /// `martlet streams export`: reads a journal, also while a server writes it.
    func exportJournal() {
        let known = world.truth.known(of: owner)
        guard !known.isEmpty else { return }
        let id = random.element(of: Array(known.suffix(6)))
        let folder = JournalFolder(path: SimulatedStorage.folder, disk: world.disk)
        // The file may be gone, and a disk may fail.
        guard let stored = (try? folder.read(id))?.generation, let known = world.truth.records[id] else { return }
        record("exports \(id.prefix(6)) with \(stored.tokens.count) tokens")
        if !stored.isEnded { world.reach(.export) }
        if stored.head.log.id != id || stored.head.owner != known.request.owner {
            world.fail(.owner, "\(name): the journal of \(id.prefix(6)) has another id or owner")
        }
        // The settings of a fork are a record of its journal, which may be lost.
        guard known.fork == nil || !known.mayLack else { return }
        let fault = TextOracle.fault(
            in: stored.simulatedEntries, of: known.request, fork: known.fork, variants: world.variants)
        if let fault { world.fail(.text, "\(name): the export of \(id.prefix(6)) is wrong: \(fault)") }
    }

    /// `martlet streams rm`: removes a generation while no server runs.
    func removeOffline() {
        let known = world.truth.known(of: owner)
        guard world.edge == nil, !known.isEmpty else { return }
        let id = random.element(of: known)
        var isRemoved = false
        do throws(JournalError) {
            let folder = JournalFolder(path: SimulatedStorage.folder, disk: world.disk)
            try folder.prepare()
            guard let lock = try folder.lock() else { return }
            if try folder.ids().contains(id) {
                record("removes \(id.prefix(6)) without a server")
                world.truth.update(id) { $0.isDeleting = true }
                try folder.erase(id, syncs: true)
                isRemoved = true
            }
            lock.release()
        } catch {
            record("cannot remove \(id.prefix(6)): \(error)")
        }
        guard isRemoved else { return }
        world.reach(.offlineRemoval)
        world.truth.update(id) { $0.isDeleted = true }
        if let path = world.disk.paths(with: id).first(where: { $0.contains(id) }) {
            world.fail(.deletion, "\(id.prefix(6)) has the file \(path) after its removal")
        }
    }
}

extension StoredGeneration {
    /// The tokens and commands of a journal, in the form in which a log has them.
    var simulatedEntries: [(number: Int, event: LogEvent)] {
        var entries: [(number: Int, event: LogEvent)] = []
        for case .engine(let event) in inputs {
            let made: LogEvent
            switch event.kind {
            case .token(let id, let text): made = .text(.content, token: id, bytes: text)
            case .controlled(_, .applied(let command, let token)):
                made = .controlled(LoggedCommand(command, token: token))
            default: continue
            }
            let choice = Int(event.handle.rawValue)
            entries.append((entries.count, head.choiceCount == 1 ? made : .choice(choice, made)))
        }
        return entries
    }
}
