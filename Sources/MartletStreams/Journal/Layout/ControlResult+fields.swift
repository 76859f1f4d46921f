package import MartletProtocol

/// One of 1 applied, 2 refused, 3 status.
extension ControlResult: FieldMessage {
    package func write(to writer: inout JournalFieldWriter) {
        switch self {
        case .applied(var effect, var token):
            writer.message(1) { writer in
                writer.field(1, &token)
                writer.field(2, &effect)
            }
        case .refused(let refusal): writer.message(2) { refusal.write(to: &$0) }
        case .status(let report): writer.message(3) { report.write(to: &$0) }
        }
    }

    package init(from reader: inout JournalFieldReader) throws(FieldError) {
        let number = try reader.caseNumber(in: 1...Int.max, of: "outcome")
        switch number {
        case 1:
            self = try reader.message { reader throws(FieldError) in
                let token: Int = try reader.value(1)
                var effect = AppliedCommand.paused
                try reader.field(2, &effect)
                return .applied(effect, token: token)
            }
        case 2: self = .refused(try reader.message())
        case 3: self = .status(try reader.message())
        default: throw .unknownCase(of: "outcome", number: UInt64(number))
        }
    }
}

/// One of 1 to 8.
extension AppliedCommand: FieldMessage {
    package func write(to writer: inout JournalFieldWriter) {
        switch self {
        case .reasoningEnded(var tokens): writer.message(1) { $0.field(1, &tokens) }
        case .stopped(var reason): writer.message(2) { $0.field(1, &reason) }
        case .paused: writer.message(3) { _ in }
        case .resumed: writer.message(4) { _ in }
        case .changed(var change, var old):
            writer.message(5) { writer in
                writer.field(1, &change)
                writer.field(2, &old)
            }
        case .injected(var opensTurn, var tokens):
            writer.message(6) { writer in
                writer.field(1, &opensTurn)
                writer.field(2, &tokens)
            }
        case .rewound: writer.message(7) { _ in }
        case .forked(let handles):
            writer.message(8) { writer in
                for handle in handles { writer.scalar(1, handle.rawValue) }
            }
        }
    }

    package init(from reader: inout JournalFieldReader) throws(FieldError) {
        let number = try reader.caseNumber(in: 1...Int.max, of: "effect")
        self = try reader.message { reader throws(FieldError) in try Self.effect(number, &reader) }
    }

    private static func effect(_ number: Int, _ reader: inout JournalFieldReader) throws(FieldError) -> Self {
        switch number {
        case 1: return .reasoningEnded(tokens: try reader.value(1))
        case 2: return .stopped(reason: try reader.optional(1))
        case 3: return .paused
        case 4: return .resumed
        case 5:
            var (change, old) = (SettingsChange(), AdjustableSettings())
            try reader.field(1, &change)
            try reader.field(2, &old)
            return .changed(change, old: old)
        case 6: return .injected(opensTurn: try reader.value(1), tokens: try reader.value(2))
        case 7: return .rewound
        case 8:
            var handles: [UInt64] = []
            try reader.list(1, &handles)
            return .forked(handles.map(GenerationHandle.init))
        default: throw .unknownCase(of: "effect", number: UInt64(number))
        }
    }
}

/// One of 1 to 14, each with 1 for its value.
extension ControlRefusal: FieldMessage {
    private var fieldNumber: Int {
        switch self {
        case .notReasoning: 1
        case .reasoningAlreadyEnded: 2
        case .noReasoningDelimiters: 3
        case .notStarted: 4
        case .notPaused: 5
        case .alreadyPaused: 6
        case .contextFull: 7
        case .tooManyInjections: 8
        case .beyondEnd: 9
        case .textNotFound: 10
        case .noFreeSequence: 11
        case .invalid: 12
        case .truncated: 13
        case .constrained: 14
        }
    }

    package func write(to writer: inout JournalFieldWriter) {
        writer.message(fieldNumber) { writer in
            switch self {
            case .contextFull(var count), .tooManyInjections(var count), .beyondEnd(var count),
                .noFreeSequence(var count):
                writer.field(1, &count)
            case .invalid(var message): writer.field(1, &message)
            default: break
            }
        }
    }

    package init(from reader: inout JournalFieldReader) throws(FieldError) {
        let number = try reader.caseNumber(in: 1...Int.max, of: "refusal")
        self = try reader.message { reader throws(FieldError) in try Self.refusal(number, &reader) }
    }

    private static func refusal(_ number: Int, _ reader: inout JournalFieldReader) throws(FieldError) -> Self {
        switch number {
        case 1: .notReasoning
        case 2: .reasoningAlreadyEnded
        case 3: .noReasoningDelimiters
        case 4: .notStarted
        case 5: .notPaused
        case 6: .alreadyPaused
        case 7: .contextFull(tokens: try reader.value(1))
        case 8: .tooManyInjections(limit: try reader.value(1))
        case 9: .beyondEnd(tokens: try reader.value(1))
        case 10: .textNotFound
        case 11: .noFreeSequence(idle: try reader.value(1))
        case 12: .invalid(try reader.value(1))
        case 13: .truncated
        case 14: .constrained
        default: throw .unknownCase(of: "refusal", number: UInt64(number))
        }
    }
}

extension GenerationReport: FieldRecord {
    package static var blank: Self { Self() }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &phase)
        try coder.field(2, &isPaused)
        try coder.field(3, &position)
        try coder.field(4, &promptTokens)
        try coder.field(5, &promptTokensProcessed)
        try coder.field(6, &cachedTokens)
        try coder.field(7, &predictedTokens)
        try coder.field(8, &reasoningTokens)
        try coder.field(9, &reasoningBudget)
        try coder.field(10, &kvCacheTokens)
        try coder.field(11, &swappedOutTokens)
        try coder.field(12, &predictedTime)
    }
}

extension GenerationReport.Phase: FieldCase {
    package static var name: StaticString { "phase of a generation" }
    package var fieldNumber: UInt64 {
        switch self {
        case .queued: 0
        case .prompt: 1
        case .reasoning: 2
        case .content: 3
        }
    }
}
