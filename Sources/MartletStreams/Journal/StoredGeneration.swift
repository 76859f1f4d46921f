package import MartletProtocol

/// A generation as its journal tells it.
package struct StoredGeneration: Sendable, Equatable {
    package var head: JournalHead
    /// What the engine was asked, by choice. None = the server ended before the model was there.
    private var requests: [Int: JournalRequest] = [:]
    package private(set) var inputs = StoredInputs()
    /// Milliseconds since 1970 of the last record.
    package var lastChange: Int64
    /// How often in a row a server took it up and died.
    private var crashes = 0
    private var isHandedOver = false
    /// Whether the server was shut down, and had told its readers nothing that is not in the journal.
    package private(set) var isWhole = false
    /// Where orders that were not resolved stand among the inputs.
    private var unresolved: [CommandNumber: Int] = [:]
    package var extent = JournalExtent()
    private var firstToken: Int64?
    private var lastToken: Int64?
    /// How long tokens took in earlier runs.
    private var earlierTime: Int64 = 0

    /// The first choice's.
    package var request: JournalRequest? { requests[0] }

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

    /// How many servers in a row have died while it ran, the last one included.
    package var consecutiveCrashes: Int { isHandedOver ? 0 : crashes + 1 }

    package var isEnded: Bool { extent.ends.isEnded }

    /// When it ended, in seconds since 1970.
    package var finished: Int64? { isEnded ? lastChange / 1_000 : nil }

    /// The tokens that were told, in order; those of all choices.
    package var tokens: [Int32] {
        inputs.compactMap { input in
            if case .engine(let event) = input, case .token(let id, _) = event.kind { id } else { nil }
        }
    }

    /// Which of several choices an event concerns.
    private func choice(of event: EngineEvent) -> Int { Int(event.handle.rawValue) }

    /// The inputs with the choices that they concern; what concerns all counts as the first's.
    package var numberedInputs: some Sequence<(choice: Int, input: GenerationInput)> {
        inputs.lazy.map { input in
            if case .engine(let event) = input { (choice(of: event), input) } else { (0, input) }
        }
    }

    /// What an engine is asked so that it writes the rest: of each choice that has not ended.
    /// - Parameter handle: of the first choice; the others' follow.
    /// - Returns: `nil` when it was not asked for all of it.
    package func continuations(handle: GenerationHandle) -> [GenerationRequest]? {
        guard requests.count == head.choiceCount, !isEnded else { return nil }
        var rest: [Int: GenerationRequest] = [:]
        for (choice, stored) in requests where !extent.ends.contains(choice) {
            var request = stored.request
            request.handle = GenerationHandle(rawValue: handle.rawValue + UInt64(choice))
            // Whom it shared its prompt with may have ended.
            request.sharedPrefillParent = nil
            request.continuationTime += .milliseconds(earlierTime + tokenTime)
            rest[choice] = request
        }
        for case .engine(let event) in inputs { rest[choice(of: event)]?.apply(event.kind) }
        return rest.sorted { $0.key < $1.key }.map(\.value)
    }

    /// Whether the server ended while it asked the engine: for some choices, not for all.
    package var isPartlySubmitted: Bool { !requests.isEmpty && requests.count < head.choiceCount }

    private var tokenTime: Int64 {
        if let firstToken, let lastToken { max(0, lastToken - firstToken) } else { 0 }
    }

    /// Takes the record that follows.
    /// - Throws: when the record does not count; then nothing has changed.
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
        case .ping, .resumed, .handedOver, .parted:
            let time: Int64 = try reader.value(1)
            try reader.finish()
            append(kind, at: time)
        case .command:
            let record = try CommandRecord(from: &reader)
            try reader.finish()
            unresolved[record.number] = inputs.append(.command(record))
        case .leap:
            let number: Int = try reader.value(1)
            try reader.finish()
            guard (0...Int(Int32.max)).contains(number) else { throw .invalid("number of an end") }
            inputs.append(.leap(to: number))
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
            // Another server numbers its orders anew.
            inputs.remove(at: unresolved.values)
            unresolved = [:]
        case .handedOver, .parted:
            inputs.append(kind == .parted ? .parted : .handedOver)
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

    /// - Throws: and then none of them counts.
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

/// How much of a journal counts.
package struct JournalExtent: Sendable, Equatable {
    package var recordCount: UInt32 = 0
    package var byteCount = 0
    /// Whether all that the engine was asked is among it.
    package var hasRequest = false
    var ends = ChoiceEnds(count: 1)
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
