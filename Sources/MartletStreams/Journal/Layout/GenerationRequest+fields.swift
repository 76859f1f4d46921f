package import MartletProtocol

/// The handle and the request whose prefill it shares are no fields: they mean nothing to another process.
extension GenerationRequest: FieldRecord {
    package static var blank: Self {
        Self(handle: GenerationHandle(rawValue: 0), prompt: Prompt(pieces: [], addsBeginning: false))
    }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        var changed = settings
        try coder.field(1, &prompt)
        try coder.field(2, &changed)
        try coder.field(3, &parameters.ignoresEndOfGeneration)
        try coder.field(4, &parameters.reusesPrompt)
        try coder.field(5, &parameters.reportsProgress)
        try coder.field(6, &parameters.reportsPromptLogprobs)
        try coder.list(7, &visibleDelimiters)
        try coder.field(8, &parameters.reportsTokenTimings)
        try coder.field(9, &parameters.slot)
        try coder.field(10, &parameters.minimumIndent)
        try coder.field(11, &parameters.contextShift)
        try coder.list(12, &adapters)
        try coder.field(13, &reasoning)
        try coder.field(14, &isPaused)
        try coder.packed(15, &continuation)
        try coder.field(16, &continuationTime)
        var turns = injections.filter(\.opensTurn).map { StoredRange($0.range) }
        try coder.list(17, &turns)
        // Absent in journals that were written before these fields existed.
        var cache: CacheParameters? = parameters.cache == CacheParameters() ? nil : parameters.cache
        try coder.field(18, &cache)
        parameters.cache = cache ?? CacheParameters()
        try coder.field(19, &parameters.priority)
        var owned: TenantKeys? = tenant == TenantKeys() ? nil : tenant
        try coder.field(20, &owned)
        tenant = owned ?? TenantKeys()
        var wanted: SpeculationParameters? =
            parameters.speculation == SpeculationParameters() ? nil : parameters.speculation
        try coder.field(21, &wanted)
        parameters.speculation = wanted ?? SpeculationParameters()
        var insertions = injections.filter { !$0.opensTurn }.map { StoredRange($0.range) }
        try coder.list(22, &insertions)
        injections = turns.map { InjectedTokens($0.range, opensTurn: true) }
        injections += insertions.map { InjectedTokens($0.range, opensTurn: false) }
        injections.sort { $0.range.lowerBound < $1.range.lowerBound }
        // Last: one of the settings is in the reasoning rule.
        settings = changed
    }
}

/// Indexes of tokens: 1 the first, 2 the number of tokens.
private struct StoredRange: FieldRecord {
    var start = 0
    var count = 1
    static var blank: Self { Self() }

    init() {}
    init(_ range: Range<Int>) { (start, count) = (range.lowerBound, range.count) }

    var range: Range<Int> { start..<start + count }

    mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &start)
        try coder.field(2, &count)
    }

    func validate() throws(FieldError) {
        guard start >= 0, count > 0, !start.addingReportingOverflow(count).overflow else {
            throw .invalid("range of tokens")
        }
    }
}

extension ContextShift: FieldRecord {
    package static var blank: Self { Self() }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &keep)
        try coder.field(2, &discard)
    }
}

/// The wish of a request. Without field 1 the list of kinds is the engine's; with it the list may be empty.
extension SpeculationParameters: FieldRecord {
    package static var blank: Self { Self() }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        var hasKinds = kinds != nil
        var chosen = kinds ?? []
        try coder.field(1, &hasKinds)
        try coder.list(2, &chosen)
        try coder.field(3, &maximumCount)
        try coder.field(4, &minimumCount)
        try coder.field(5, &minimumProbability)
        kinds = hasKinds ? chosen : nil
    }
}

extension DraftKind: FieldCase {
    package static var name: StaticString { "kind of drafts" }
    package var fieldNumber: UInt64 {
        switch self {
        case .ngram: 0
        case .model: 1
        }
    }
}

extension AdapterScale: FieldRecord {
    package static var blank: Self { Self(index: 0, scale: 0) }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &index)
        try coder.field(2, &scale)
    }
}

extension Prompt: FieldRecord {
    package static var blank: Self { Self(pieces: [], addsBeginning: false) }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.list(1, &pieces)
        try coder.field(2, &addsBeginning)
        try coder.list(3, &boundaries)
    }
}

/// One of 1 untrusted text, 2 trusted text, 3 tokens.
extension Prompt.Piece: FieldMessage {
    package func write(to writer: inout JournalFieldWriter) {
        switch self {
        case .text(let text, isTrusted: false): writer.scalar(1, text)
        case .text(let text, isTrusted: true): writer.scalar(2, text)
        case .tokens(var tokens): writer.message(3) { $0.packed(1, &tokens) }
        }
    }

    package init(from reader: inout JournalFieldReader) throws(FieldError) {
        let number = try reader.caseNumber(in: 1...Int.max, of: "piece of a prompt")
        switch number {
        case 1: self = .text(try String(from: &reader), isTrusted: false)
        case 2: self = .text(try String(from: &reader), isTrusted: true)
        case 3:
            self = try reader.message { reader throws(FieldError) in
                var tokens: [Int32] = []
                try reader.packed(1, &tokens)
                return .tokens(tokens)
            }
        default: throw .unknownCase(of: "piece of a prompt", number: UInt64(number))
        }
    }
}

extension ReasoningRule: FieldRecord {
    package static var blank: Self { Self(start: "", end: "", closing: "", isOpen: false) }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &start)
        try coder.field(2, &end)
        try coder.field(3, &closing)
        try coder.field(4, &isOpen)
        try coder.field(5, &budget)
        try coder.field(6, &message)
        try coder.field(7, &turnBudget)
        try coder.list(8, &earlierReasoning)
        try coder.list(9, &callStarts)
    }

    package func validate() throws(FieldError) {
        guard !start.isEmpty, !end.isEmpty, !callStarts.contains("") else { throw .invalid("marker") }
    }
}
