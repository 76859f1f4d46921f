internal import MartletProtocol

/// A journal of format version 3, record by record in its order.
struct Version3Journal {
    static let version: UInt16 = 3
    /// Version 3 had the version of the frames where later versions have their features. Journals of other frames are
    /// not read.
    static let frames: UInt16 = 7

    static let header = JournalFormat.header(version: version, features: frames)

    private var choiceCount = 1

    /// The record as the current format has it.
    mutating func record(_ kind: UInt8, _ payload: ArraySlice<UInt8>) throws(FieldError) -> JournalRecord {
        var reader = Version3Reader(payload)
        let record = try record(kind, &reader)
        try reader.finish()
        return record
    }

    private mutating func record(_ kind: UInt8, _ reader: inout Version3Reader) throws(FieldError) -> JournalRecord {
        switch kind {
        case 1:
            let time = try reader.int64()
            let head = try reader.head()
            choiceCount = head.choiceCount
            return .head(head, at: time)
        case 2:
            var request = try reader.request()
            request.handle = try choice(request.handle)
            return .request(JournalRequest(request, model: try reader.model()))
        case 3:
            let time = try reader.int64()
            var events: [EngineEvent] = []
            while reader.remainingCount > 0 {
                var event = try reader.event()
                event.handle = try choice(event.handle)
                events.append(event)
            }
            return .events(events, at: time)
        case 4: return .ping(at: try reader.int64())
        case 5: return .resumed(at: try reader.int64())
        case 6: return .handedOver(at: try reader.int64())
        case 7: return .handedOverIncomplete(at: try reader.int64())
        case 8: return .command(try reader.orderNote())
        case 9: return .skippedNumbers(to: try reader.int())
        default: throw .invalid("kind of a record")
        }
    }

    /// Of a single choice the handle meant nothing.
    private func choice(_ handle: GenerationHandle) throws(FieldError) -> GenerationHandle {
        guard choiceCount > 1 else { return GenerationHandle(rawValue: 0) }
        guard handle.rawValue < UInt64(choiceCount) else { throw .invalid("choice") }
        return handle
    }
}

extension Version3Reader {
    fileprivate mutating func head() throws(FieldError) -> JournalHead {
        var head = JournalHead.blank
        head.log = LogHead(id: try string(), created: try int64(), model: try string())
        head.responseID = try string()
        head.owner = Owner(rawValue: try string())
        switch try string() {
        case "plain": head.lifetime = .plain
        case "resumable": head.lifetime = .resumable
        case "background": head.lifetime = .background
        default: throw .invalid("lifetime")
        }
        head.label = try optionalString()
        head.streams = try bool()
        head.pingInterval = try optionalDuration()
        head.choiceCount = try int()
        head.choicesPerPrompt = try int()
        guard head.hasValidChoices else { throw .invalid("number of choices") }
        head.storedRequest = Array(try slice())
        return head
    }

    fileprivate mutating func orderNote() throws(FieldError) -> CommandRecord {
        let number = CommandNumber(rawValue: try unsigned())
        let requestID = try optionalString()
        let (action, digest) = (try string(), try unsigned())
        let name = requestID.map { CommandIdentity(requestID: $0, action: action, digest: digest) }
        return CommandRecord(number: number, identity: name, forks: try strings())
    }
}
