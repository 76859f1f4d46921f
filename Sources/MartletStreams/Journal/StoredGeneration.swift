package import MartletProtocol

/// A generation as its journal tells it.
package struct StoredGeneration: Sendable, Equatable {
    /// Something that happened to a live generation, in the order in which it happened.
    package enum Input: Sendable, Equatable {
        case event(EngineEvent)
        case ping
    }

    package var head: JournalHead
    /// `nil` = the server ended before the model was there.
    package var request: JournalRequest?
    package var inputs: [Input] = []
    /// Milliseconds since 1970 of the last record.
    package var lastChange: Int64
    /// How often in a row a server took it up and died.
    package var crashes = 0
    /// Whether the last server was shut down while it ran.
    package var isHandedOver = false
    /// Records and bytes that count.
    package var recordCount: UInt32 = 0
    package var byteCount = 0
    private var firstToken: Int64?
    private var lastToken: Int64?
    /// How long tokens took in earlier runs.
    private var earlierTime: Int64 = 0

    /// Reads the first record.
    init(_ kind: JournalFormat.Kind, _ payload: ArraySlice<UInt8>) throws(JournalDamage) {
        guard kind == .head else { throw .headless }
        var reader = ByteReader(payload)
        do throws(FrameError) {
            lastChange = try reader.readInt64()
            head = try JournalHead(from: &reader)
            try reader.finish()
        } catch {
            throw .unreadable("\(error)")
        }
    }

    package var isEnded: Bool {
        guard case .event(let event)? = inputs.last else { return false }
        return event.isTerminal
    }

    /// The tokens that were told, in order.
    package var tokens: [Int32] {
        inputs.compactMap { input in
            if case .event(let event) = input, case .token(let id, _) = event.kind { id } else { nil }
        }
    }

    /// What an engine is asked so that it writes the rest.
    package func continuation(handle: GenerationHandle) -> GenerationRequest? {
        guard var request = request?.request, !isEnded else { return nil }
        request.handle = handle
        request.continuation += tokens
        request.continuationTime += .milliseconds(earlierTime + tokenTime)
        return request
    }

    private var tokenTime: Int64 {
        if let firstToken, let lastToken { max(0, lastToken - firstToken) } else { 0 }
    }

    /// Takes the record that follows.
    mutating func take(_ kind: JournalFormat.Kind, _ payload: ArraySlice<UInt8>) throws(JournalDamage) {
        guard !isEnded else { throw .unreadable("a record after the end") }
        var reader = ByteReader(payload)
        do throws(FrameError) {
            switch kind {
            case .head: throw .invalidValue("second head")
            case .request:
                guard request == nil else { throw .invalidValue("second request") }
                request = try JournalRequest(from: &reader)
            case .events: try takeEvents(&reader)
            case .ping:
                lastChange = try reader.readInt64()
                inputs.append(.ping)
            case .resumed:
                lastChange = try reader.readInt64()
                crashes = isHandedOver ? 0 : crashes + 1
                isHandedOver = false
                earlierTime += tokenTime
                (firstToken, lastToken) = (nil, nil)
            case .handedOver:
                lastChange = try reader.readInt64()
                isHandedOver = true
            }
            try reader.finish()
        } catch {
            throw .unreadable("\(error)")
        }
    }

    /// - Throws: and then none of them counts.
    private mutating func takeEvents(_ reader: inout ByteReader) throws(FrameError) {
        let time = try reader.readInt64()
        var events: [EngineEvent] = []
        while reader.remainingCount > 0 {
            if events.last?.isTerminal == true { throw .trailingBytes(count: reader.remainingCount) }
            events.append(try reader.readEvent())
        }
        lastChange = time
        inputs += events.map { .event($0) }
        guard events.contains(where: { if case .token = $0.kind { true } else { false } }) else { return }
        if firstToken == nil { firstToken = time }
        lastToken = time
    }
}

extension EngineEvent {
    /// Whether no event of its generation follows.
    var isTerminal: Bool {
        switch kind {
        case .finished, .failed: true
        default: false
        }
    }
}
