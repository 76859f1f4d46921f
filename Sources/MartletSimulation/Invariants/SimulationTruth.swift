import MartletGenerations
import MartletProtocol
import MartletStreams

/// Everything that clients of a run have seen, and what therefore must stay true.
///
/// Written by clients and processes of one run, on its thread.
final class SimulationTruth {
    /// The knowledge about one generation.
    struct Record {
        var request: SimulatedRequest
        /// The longest joined bytes of the response that a client received.
        var bytes: [UInt8] = []
        /// The parts of events that clients received, by number and part (0 = the last part).
        var parts: [PartKey: [UInt8]] = [:]
        /// Whether a client received the terminal event.
        var isEndSeen = false
        /// Whether the client that began it received an error instead.
        var isRefused = false
        /// The time at which its stored response may be read although it has no file, in nanoseconds; nil = it has not
        /// ended, or no response is stored.
        var storageDeadline: UInt64?
        /// Whether a client knows the id.
        var isKnown = false
        /// Whether a client began to delete it, directly or by its label.
        var isDeleting = false
        /// Whether a deletion was acknowledged that removes it for good.
        var isDeleted = false
        /// Acknowledged commands, by the number of their event.
        var commands: [Int: AppliedCommand] = [:]
        /// The first reply to each request id.
        var replies: [String: CommandReply] = [:]
        /// The process that received the command of each of these replies.
        var replyProcesses: [String: Int] = [:]
        /// The generation of a plain request, until its client is done.
        var plain: Generation?
        /// The request of a fork, with the original's tokens.
        var fork: GenerationRequest?
        /// The process that runs the generation now.
        var handle: GenerationHandle?
        /// Whether the disk may have lost records: they are missing when the process ends.
        var isFragile = false
        /// Whether a process ended while records may have been lost.
        var mayLack = false
        /// Whether a process ended before a client had seen anything of the generation.
        var isUncertain = false
        /// Whether a newer build has continued the generation, so that this build cannot read its journal now.
        var isAway = false
        /// Whether that has ever been so.
        var wasAway = false
        /// Whether a client has seen an event or a reply, and not only the id.
        var isVisible: Bool { !bytes.isEmpty || !parts.isEmpty || !commands.isEmpty || isEndSeen }
    }
    /// The identity of a part of an event.
    struct PartKey: Hashable {
        var number: Int
        /// 0 = the last part.
        var part: Int
    }
    /// A generation that was removed from memory and disk.
    struct Removed {
        var id: String
        /// The process that removed it.
        var process: Int
        /// The time of the removal, in nanoseconds of the virtual clock.
        var time: UInt64
        weak var generation: Generation?

        init(id: String, process: Int, time: UInt64, generation: Generation) {
            self.id = id
            self.process = process
            self.time = time
            self.generation = generation
        }
    }
    /// The commands with a request id that clients have sent, for repetitions.
    var namedCommands: [(owner: Owner, id: String, action: ControlRequest.Action, identity: CommandIdentity)] = []
    /// The generations that clients have removed.
    var removed: [Removed] = []
    /// The times since which generations run although another one has their label, by id.
    var labelRaces: [String: UInt64] = [:]
    private(set) var records: [String: Record] = [:]
    /// Ids in the order of their generations.
    private(set) var ids: [String] = []
    private var forkedPrompts: Set<String> = []
    private var forks: [GenerationHandle: GenerationRequest] = [:]
    /// The names of all labels that a client deleted.
    private(set) var deletedLabels: Set<String> = []
    // MARK: From processes

    /// A request handler has begun a generation.
    func add(_ request: SimulatedRequest, _ generation: Generation) {
        let id = generation.spec.head.id
        guard records[id] == nil else { return }
        var record = Record(request: request)
        record.handle = generation.handle
        record.isFragile = mayLoseNewGenerations
        if !generation.spec.isResumable { record.plain = generation }
        records[id] = record
        ids.append(id)
    }

    /// The client of a request that has begun a generation receives an error.
    func refuse(_ request: SimulatedRequest) {
        guard let id = ids.last(where: { records[$0]?.request == request }) else { return }
        records[id]?.isRefused = true
    }

    /// The generations of a label that began after another one.
    func generations(labelled label: String, of owner: Owner, after id: String) -> [(id: String, isRefused: Bool)] {
        guard let index = ids.firstIndex(of: id) else { return [] }
        return ids[(index + 1)...].compactMap { id in
            guard let record = records[id], record.request.label == label, record.request.owner == owner else {
                return nil
            }
            return (id, record.isRefused)
        }
    }

    /// A worker has made a fork with these tokens.
    func addFork(_ request: GenerationRequest) {
        forks[request.handle] = request
    }

    /// A client wants to fork a generation, which may give its prompt to other journals.
    func beginFork(of id: String) { if let prompt = records[id]?.request.prompt { forkedPrompts.insert(prompt) } }

    /// Whether the prompt belongs to one generation only.
    func isUnique(_ prompt: String) -> Bool {
        !forkedPrompts.contains(prompt) && ids.count { records[$0]?.request.prompt == prompt } == 1
    }

    /// A client learned of a fork. It is an acknowledged generation of its own.
    func addFork(id: String, handle: GenerationHandle, of original: String) {
        guard records[id] == nil, let request = forks[handle], var fork = records[original]?.request else { return }
        fork.lifetime = .background
        fork.label = nil
        fork.choices = 1
        var record = Record(request: fork)
        record.fork = request
        record.isKnown = true
        record.isFragile = mayLoseNewGenerations
        records[id] = record
        ids.append(id)
    }

    /// A process has ended: its plain generations are gone, and so are records that the disk has lost.
    /// - Parameter losesUnsynced: whether all records may be lost, because none was synced.
    func edgeDied(losesUnsynced: Bool) {
        forks = [:]
        labelRaces = [:]
        for id in ids {
            records[id]?.plain = nil
            if losesUnsynced || records[id]?.isFragile == true { records[id]?.mayLack = true }
            if records[id]?.isKnown != true || records[id]?.isVisible != true { records[id]?.isUncertain = true }
        }
    }

    /// Records may have been lost by a fault of the disk.
    func diskFailed() { for id in ids { records[id]?.isFragile = true } }

    /// Whether the journal of a generation that begins now may lack records.
    private var mayLoseNewGenerations: Bool { isDiskFaulty || isDiskHanging || hasJournalFailed || lacksJournal }
    /// Whether the present process has no journal, because it could not open one.
    var lacksJournal = false
    /// Whether operations of the disk fail now.
    var isDiskFaulty = false
    /// Whether the present process began on a failing disk, so that it may lack generations whose journals are whole.
    var hasFaultyStart = false
    /// Whether the journal of the present process has reported a failure. It may go on without a further report.
    var hasJournalFailed = false
    /// Whether the disk hangs for longer than readers wait.
    var isDiskHanging = false

    // MARK: From clients

    /// Changes the record of a generation.
    func update(_ id: String, _ change: (inout Record) -> Void) {
        guard var record = records.removeValue(forKey: id) else { return }
        change(&record)
        records[id] = record
    }

    /// The ids that clients of an owner know.
    func known(of owner: Owner) -> [String] {
        ids.filter { records[$0]?.isKnown == true && records[$0]?.request.owner == owner }
    }

    /// A server begins to delete all generations of a label.
    func beginDeletion(ofLabel label: String, of owner: Owner) {
        deletedLabels.insert(label)
        for id in ids where records[id]?.request.label == label && records[id]?.request.owner == owner {
            records[id]?.isDeleting = true
        }
    }

    /// Adds bytes that a client received of the response from its begin on.
    /// - Returns: the first byte that differs from what another client received; nil if none does.
    func add(bytes: [UInt8], of id: String) -> Int? {
        // Lost records may come back in another form.
        guard records[id]?.mayLack != true, let known = records[id]?.bytes else { return nil }
        let count = min(known.count, bytes.count)
        if let offset = (0..<count).first(where: { known[$0] != bytes[$0] }) {
            return offset
        }
        if bytes.count > known.count { records[id]?.bytes = bytes }
        return nil
    }

    /// Adds a part that a client received.
    /// - Returns: a sentence if another client received other bytes of it.
    func add(part: [UInt8], _ key: PartKey, of id: String) -> String? {
        guard let known = records[id]?.parts[key] else {
            records[id]?.parts[key] = part
            return nil
        }
        guard known != part, records[id]?.mayLack != true else { return nil }
        return "event \(key.number) of \(id.prefix(6)) was '\(Self.text(known))' and is '\(Self.text(part))'"
    }

    private static func text(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.filter { $0 != 0x0A }, as: UTF8.self)
    }
}
