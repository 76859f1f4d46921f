package import MartletProtocol

/// A generation as its journal tells it.
package struct StoredGeneration: Sendable, Equatable {
    package var head: JournalHead
    /// `nil` = the server ended before the model was there.
    package var request: JournalRequest?
    package var inputs: [GenerationInput] = []
    /// Milliseconds since 1970 of the last record.
    package var lastChange: Int64
    /// How often in a row a server took it up and died.
    private var crashes = 0
    private var isHandedOver = false
    package var extent = JournalExtent()
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

    /// How many servers in a row have died while it ran, the last one included.
    package var deaths: Int { isHandedOver ? 0 : crashes + 1 }

    package var isEnded: Bool {
        guard case .engine(let event)? = inputs.last else { return false }
        return event.isTerminal
    }

    /// When it ended, in seconds since 1970.
    package var finished: Int64? { isEnded ? lastChange / 1_000 : nil }

    /// The tokens that were told, in order.
    package var tokens: [Int32] {
        inputs.compactMap { input in
            if case .engine(let event) = input, case .token(let id, _) = event.kind { id } else { nil }
        }
    }

    /// What an engine is asked so that it writes the rest.
    package func continuation(handle: GenerationHandle) -> GenerationRequest? {
        guard var request = request?.request, !isEnded else { return nil }
        request.handle = handle
        for case .engine(let event) in inputs { request.take(event.kind) }
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
                extent.hasRequest = true
            case .events: try takeEvents(&reader)
            case .ping:
                lastChange = try reader.readInt64()
                inputs.append(.ping)
            case .resumed:
                lastChange = try reader.readInt64()
                crashes = deaths
                isHandedOver = false
                earlierTime += tokenTime
                (firstToken, lastToken) = (nil, nil)
            case .handedOver:
                lastChange = try reader.readInt64()
                inputs.append(.handedOver)
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
        inputs += events.map { .engine($0) }
        guard events.contains(where: { if case .token = $0.kind { true } else { false } }) else { return }
        if firstToken == nil { firstToken = time }
        lastToken = time
    }
}

/// How much of a journal counts.
package struct JournalExtent: Sendable, Equatable {
    package var recordCount: UInt32 = 0
    package var byteCount = 0
    /// Whether the engine's request is among it.
    package var hasRequest = false
}

extension GenerationInput {
    /// Whether nothing follows.
    var isTerminal: Bool {
        if case .engine(let event) = self { event.isTerminal } else { false }
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
