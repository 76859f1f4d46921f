import MartletProtocol
import MartletStreams

/// Rewrites journals as builds of version 3 wrote them, so that a run meets a server that was upgraded while its
/// generations ran.
///
/// A journal of version 3 lacks what that version did not know: the output parser and the resolved options. Recovery
/// makes both anew from the client's request.
enum OlderJournal {
    /// The journal of version 3 with the contents of a current one.
    /// - Parameter bytes: a journal of the current version.
    /// - Returns: nil if the journal is damaged, or has a value that version 3 could not express.
    static func version3(of bytes: [UInt8]) -> [UInt8]? {
        guard let result = try? JournalReader.read(JournalBytes(bytes)), result.damage == nil,
            result.version == JournalFormat.version, let stored = result.generation
        else { return nil }
        var journal = Journal3(time: stored.lastChange)
        journal.add(.head) { $0.add(stored.head, at: stored.lastChange) }
        for (_, request) in stored.requests.sorted(by: { $0.key < $1.key }) {
            journal.add(.request) { $0.add(request) }
        }
        for input in stored.inputs { journal.add(input) }
        // A server continued the generation behind the handover and wrote nothing more.
        if !stored.isWhole, stored.inputs.last == .handedOver { journal.addTime(.resumed) }
        return journal.isComplete ? journal.bytes : nil
    }
}

/// A journal of version 3 that is being written.
private struct Journal3 {
    private(set) var bytes = JournalFormat.version3Header
    /// Whether version 3 could express all records.
    private(set) var isComplete = true
    private var sequence: UInt32 = 0
    /// The time of all records in milliseconds since 1970.
    private let time: Int64

    init(time: Int64) { self.time = time }

    mutating func add(_ kind: JournalFormat.Kind, _ write: (inout Version3Writer) -> Bool) {
        var payload = Version3Writer()
        isComplete = write(&payload) && isComplete
        JournalFormat.append(kind, sequence: sequence, to: &bytes) { $0 += payload.bytes }
        sequence += 1
    }

    /// Adds a record that has a time only.
    mutating func addTime(_ kind: JournalFormat.Kind) {
        add(kind) { [time] writer in
            writer.add(time)
            return true
        }
    }

    mutating func add(_ input: GenerationInput) {
        switch input {
        case .engine(let event):
            add(.events) { [time] writer in
                writer.add(time)
                return writer.add(event)
            }
        case .ping: addTime(.ping)
        case .handedOver: addTime(.handedOver)
        case .handedOverIncomplete: addTime(.handedOverIncomplete)
        case .command(let record): add(.command) { $0.add(record) }
        case .skippedNumbers(let number):
            add(.skippedNumbers) { writer in
                writer.add(number)
                return true
            }
        }
    }
}

extension Version3Writer {
    fileprivate mutating func add(_ head: JournalHead, at time: Int64) -> Bool {
        add(time)
        add(head.log.id)
        add(head.log.created)
        add(head.log.model)
        add(head.responseID)
        add(head.owner.rawValue)
        switch head.lifetime {
        case .plain: add("plain")
        case .resumable: add("resumable")
        case .background: add("background")
        }
        add(head.label)
        add(head.streams)
        add(head.pingInterval)
        add(head.choiceCount)
        add(head.choicesPerPrompt)
        add(head.storedRequest)
        return true
    }

    fileprivate mutating func add(_ record: CommandRecord) -> Bool {
        add(unsigned: record.number.rawValue)
        add(record.identity?.requestID)
        add(record.identity?.action ?? "")
        add(unsigned: record.identity?.digest ?? 0)
        add(record.forks)
        return true
    }
}
