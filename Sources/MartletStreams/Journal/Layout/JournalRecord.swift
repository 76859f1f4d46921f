internal import MartletProtocol

/// One record of a journal. `design.md` has its layout.
enum JournalRecord: Sendable, Equatable {
    case head(JournalHead, at: Int64)
    /// The request's handle is the number of the choice.
    case request(JournalRequest)
    /// At least one; the handle of each is the number of the choice.
    case events([EngineEvent], at: Int64)
    case ping(at: Int64)
    case resumed(at: Int64)
    case handedOver(at: Int64)
    case handedOverIncomplete(at: Int64)
    case command(CommandRecord)
    case skippedNumbers(to: Int)

    var kind: JournalFormat.Kind {
        switch self {
        case .head: .head
        case .request: .request
        case .events: .events
        case .ping: .ping
        case .resumed: .resumed
        case .handedOver: .handedOver
        case .handedOverIncomplete: .handedOverIncomplete
        case .command: .command
        case .skippedNumbers: .skippedNumbers
        }
    }

    /// Appends the payload.
    func write(to writer: inout JournalFieldWriter) {
        switch self {
        case .head(var head, var time):
            writer.field(1, &time)
            head.code(&writer)
        case .request(let request): request.write(to: &writer)
        case .events(let events, let time):
            writer.scalar(1, time)
            for event in events { Self.write(event, to: &writer) }
        case .ping(var time), .resumed(var time), .handedOver(var time), .handedOverIncomplete(var time):
            writer.field(1, &time)
        case .command(let note): note.write(to: &writer)
        case .skippedNumbers(var number): writer.field(1, &number)
        }
    }

    /// Number of the field of each event in a record of events, behind the field with the time.
    static let eventField = 2

    /// Appends an event to the payload of a record of events.
    static func write(_ event: EngineEvent, to writer: inout JournalFieldWriter) {
        writer.message(eventField) { event.write(to: &$0) }
    }
}
