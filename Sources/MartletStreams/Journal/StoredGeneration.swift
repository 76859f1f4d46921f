package import MartletProtocol

/// A generation as its journal records it.
package struct StoredGeneration: Sendable, Equatable {
    package var head: JournalHead
    /// The requests that the engine received, by choice. Empty = the server ended before the model was loaded.
    package private(set) var requests: [Int: JournalRequest] = [:]
    package private(set) var inputs = StoredInputs()
    /// The time of the last record in milliseconds since 1970.
    package var lastChange: Int64
    /// The number of consecutive servers that continued the generation and died.
    private var crashes = 0
    private var isHandedOver = false
    /// Whether the last server was shut down, so that the journal has all events that readers have received.
    package private(set) var isWhole = false
    /// The indices among the inputs of commands without a result.
    private var unresolved: [CommandNumber: Int] = [:]
    package var extent = JournalExtent()
    private var firstToken: Int64?
    private var lastToken: Int64?
    /// The decode time of earlier servers, in milliseconds.
    private var earlierTime: Int64 = 0

    /// The request of the first choice.
    package var request: JournalRequest? { requests[0] }

    /// The description of the output parser; nil if the journal has none.
    package var parserDescription: [UInt8]? {
        request.flatMap { $0.parserDescription.isEmpty ? nil : $0.parserDescription }
    }

    /// Reads the first record.
    init(_ kind: JournalFormat.Kind, _ payload: ArraySlice<UInt8>) throws(JournalDamage) {
        guard kind == .head else { throw .headless }
        var reader = JournalFieldReader(payload)
        do throws(FieldError) {
            lastChange = try reader.value(1)
            head = try JournalHead(from: &reader)
            try reader.finish()
        } catch {
            throw JournalDamage(error)
        }
        extent.ends = ChoiceEnds(count: head.choiceCount)
    }

    /// The number of consecutive servers that died while the generation ran, the last one included.
    package var consecutiveCrashes: Int { isHandedOver ? 0 : crashes + 1 }

    package var isEnded: Bool { extent.ends.isEnded }

    /// The time of the end in seconds since 1970; nil without a terminal event.
    package var finished: Int64? { isEnded ? lastChange / 1_000 : nil }

    /// The tokens of all choices, in the order of the journal.
    package var tokens: [Int32] {
        inputs.compactMap { input in
            if case .engine(let event) = input, case .token(let id, _) = event.kind { id } else { nil }
        }
    }

    /// The choice that an event concerns.
    private func choice(of event: EngineEvent) -> Int { Int(event.handle.rawValue) }

    /// The inputs with their choices. An input that concerns the whole generation has choice 0.
    package var numberedInputs: some Sequence<(choice: Int, input: GenerationInput)> {
        inputs.lazy.map { input in
            if case .engine(let event) = input { (choice(of: event), input) } else { (0, input) }
        }
    }

    /// The requests that make an engine continue each choice that has not ended.
    /// - Parameter handle: the new handle of the first choice. The handles of the other choices follow.
    /// - Returns: `nil` when the journal lacks the request of a choice.
    package func continuations(handle: GenerationHandle) -> [GenerationRequest]? {
        guard requests.count == head.choiceCount, !isEnded else { return nil }
        var rest: [Int: GenerationRequest] = [:]
        for (choice, stored) in requests where !extent.ends.contains(choice) {
            var request = stored.request
            request.handle = GenerationHandle(rawValue: handle.rawValue + UInt64(choice))
            // The choice with which it shared its prefill may have ended.
            request.sharedPrefillParent = nil
            request.continuationTime += .milliseconds(earlierTime + tokenTime)
            rest[choice] = request
        }
        for case .engine(let event) in inputs { rest[choice(of: event)]?.apply(event.kind) }
        return rest.sorted { $0.key < $1.key }.map(\.value)
    }

    /// Whether the server ended while it submitted the choices: some requests are recorded, not all.
    package var isPartlySubmitted: Bool { !requests.isEmpty && requests.count < head.choiceCount }

    private var tokenTime: Int64 {
        if let firstToken, let lastToken { max(0, lastToken - firstToken) } else { 0 }
    }

    /// Applies the next record.
    /// - Throws: when the record is invalid. The value is then unchanged.
    mutating func append(_ kind: JournalFormat.Kind, _ payload: ArraySlice<UInt8>) throws(JournalDamage) {
        guard !isEnded else { throw .unreadable("a record after the end") }
        var reader = JournalFieldReader(payload)
        do throws(FieldError) {
            try append(kind, &reader)
        } catch {
            throw JournalDamage(error)
        }
        isWhole = kind == .handedOver
    }

    private mutating func append(_ kind: JournalFormat.Kind, _ reader: inout JournalFieldReader) throws(FieldError) {
        switch kind {
        case .head: throw .invalid("second head")
        case .request:
            let request = try JournalRequest(from: &reader)
            try reader.finish()
            let choice = try checkedChoice(request.request.handle)
            guard requests[choice] == nil else { throw .invalid("second request") }
            requests[choice] = request
            extent.hasRequest = requests.count == head.choiceCount
        case .events: try appendEvents(&reader)
        case .ping, .resumed, .handedOver, .handedOverIncomplete:
            let time: Int64 = try reader.value(1)
            try reader.finish()
            append(kind, at: time)
        case .command:
            let record = try CommandRecord(from: &reader)
            try reader.finish()
            unresolved[record.number] = inputs.append(.command(record))
        case .skippedNumbers:
            let number: Int = try reader.value(1)
            try reader.finish()
            guard (0...Int(Int32.max)).contains(number) else { throw .invalid("number of an end") }
            inputs.append(.skippedNumbers(to: number))
        }
    }

    private mutating func append(_ kind: JournalFormat.Kind, at time: Int64) {
        lastChange = time
        switch kind {
        case .resumed:
            crashes = consecutiveCrashes
            isHandedOver = false
            earlierTime += tokenTime
            (firstToken, lastToken) = (nil, nil)
            // Every server numbers its commands from 1.
            inputs.remove(at: unresolved.values)
            unresolved = [:]
        case .handedOver, .handedOverIncomplete:
            inputs.append(kind == .handedOverIncomplete ? .handedOverIncomplete : .handedOver)
            isHandedOver = true
        default: inputs.append(.ping)
        }
    }

    private func checkedChoice(_ handle: GenerationHandle) throws(FieldError) -> Int {
        guard let choice = Int(exactly: handle.rawValue), choice < head.choiceCount else {
            throw .invalid("choice")
        }
        return choice
    }

    /// Applies a record of events.
    /// - Throws: when one of the events is invalid. Then none of them is applied.
    private mutating func appendEvents(_ reader: inout JournalFieldReader) throws(FieldError) {
        let time: Int64 = try reader.value(1)
        let events = reader.rest
        var hasToken = false
        var resolved: [CommandNumber] = []
        var ends = extent.ends
        while var element = try reader.element(JournalRecord.eventField) {
            if ends.isEnded { throw .invalid("event after the end") }
            let event = try EngineEvent(from: &element)
            try element.finish()
            ends.record(event.kind, of: try checkedChoice(event.handle))
            switch event.kind {
            case .token: hasToken = true
            case .controlled(let number, _): resolved.append(number)
            default: break
            }
        }
        try reader.finish()
        extent.ends = ends
        lastChange = time
        if !events.isEmpty { inputs.append(events: events) }
        for number in resolved { unresolved[number] = nil }
        guard hasToken else { return }
        if firstToken == nil { firstToken = time }
        lastToken = time
    }
}

/// The valid part of a journal.
package struct JournalExtent: Sendable, Equatable {
    package var recordCount: UInt32 = 0
    package var byteCount = 0
    /// Whether the requests of all choices are among the records.
    package var hasRequest = false
    var ends = ChoiceEnds(count: 1)
}

extension GenerationInput {
    /// Whether no input follows.
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
