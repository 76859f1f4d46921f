package import MartletProtocol

/// Whether it ends in tool calls is no field: the output parser says it again.
extension GenerationSummary: FieldRecord {
    package static var blank: Self { Self(reason: .cancelled, timings: Timings()) }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &reason)
        try coder.field(2, &timings)
        try coder.field(3, &slot)
        try coder.field(4, &kvCacheTokens)
        try coder.field(5, &isTruncated)
        try coder.field(6, &hasLineBreak)
        try coder.field(7, &cacheReport)
    }
}

/// One of 1 to 8.
extension GenerationSummary.Reason: FieldMessage {
    package func write(to writer: inout JournalFieldWriter) {
        switch self {
        case .endOfGeneration: writer.scalar(1, true)
        case .stopText(let text): writer.scalar(2, text)
        case .tokenLimit: writer.scalar(3, true)
        case .timeLimit: writer.scalar(4, true)
        case .contextFull: writer.scalar(5, true)
        case .cancelled: writer.scalar(6, true)
        case .indentation: writer.scalar(7, true)
        case .stopped(var reason): writer.message(8) { $0.field(1, &reason) }
        }
    }

    package init(from reader: inout JournalFieldReader) throws(FieldError) {
        let number = try reader.caseNumber(in: 1...Int.max, of: "reason to end")
        switch number {
        case 1: self = .endOfGeneration
        case 2: self = .stopText(try String(from: &reader))
        case 3: self = .tokenLimit
        case 4: self = .timeLimit
        case 5: self = .contextFull
        case 6: self = .cancelled
        case 7: self = .indentation
        case 8: self = .stopped(try reader.message { reader throws(FieldError) in try reader.optional(1) })
        default: throw .unknownCase(of: "reason to end", number: UInt64(number))
        }
        if ![2, 8].contains(number) { _ = try Bool(from: &reader) }
    }
}

extension Timings: FieldRecord {
    package static var blank: Self { Self() }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &promptTokens)
        try coder.field(2, &cachedTokens)
        try coder.field(3, &predictedTokens)
        try coder.field(4, &reasoningTokens)
        try coder.field(5, &queueTime)
        try coder.field(6, &promptTime)
        try coder.field(7, &predictedTime)
        try coder.field(8, &samplingTime)
        try coder.field(9, &grammarTime)
        try coder.field(10, &restoredTokens.ram)
        try coder.field(11, &restoredTokens.disk)
        try coder.field(12, &draftedTokens)
        try coder.field(13, &acceptedDraftTokens)
    }
}
