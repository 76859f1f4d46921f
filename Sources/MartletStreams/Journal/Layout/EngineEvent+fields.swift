package import MartletProtocol

/// 1 choice, then one of 2 to 9, then 14 probabilities, 15 timings.
///
/// The choice stands in the event's handle.
extension EngineEvent: FieldMessage {
    private static let kinds = 2...13

    package func write(to writer: inout JournalFieldWriter) {
        var choice = handle.rawValue
        writer.field(1, &choice)
        switch kind {
        case .admitted(var promptTokens): writer.message(2) { $0.field(1, &promptTokens) }
        case .started(var slot, var cachedTokens):
            writer.message(3) { writer in
                writer.field(1, &slot)
                writer.field(2, &cachedTokens)
            }
        case .promptProgress(let progress): writer.message(4) { progress.write(to: &$0) }
        case .promptLogprobs(var first): writer.message(5) { $0.field(1, &first) }
        case .token(var id, var text):
            writer.message(6) { writer in
                writer.field(1, &id)
                writer.field(2, &text)
            }
        case .finished(var completion, var text):
            writer.message(7) { writer in
                writer.field(1, &completion)
                writer.field(2, &text)
            }
        case .failed(let error): writer.message(8) { error.write(to: &$0) }
        case .controlled(var number, var outcome):
            writer.message(9) { writer in
                writer.field(1, &number.rawValue)
                writer.field(2, &outcome)
            }
        }
        var probabilities = probabilities
        writer.list(14, &probabilities)
        if let tokenTimings {
            writer.message(15) { writer in
                var (slot, timings) = (tokenTimings.slot, tokenTimings.timings)
                writer.field(1, &slot)
                writer.field(2, &timings)
            }
        }
    }

    package init(from reader: inout JournalFieldReader) throws(FieldError) {
        let handle = GenerationHandle(rawValue: try reader.value(1))
        let number = try reader.caseNumber(in: Self.kinds, of: "event")
        self.init(handle, try Self.kind(number, &reader))
        try reader.list(14, &probabilities)
        var tokenTimings: StoredTokenTimings?
        try reader.field(15, &tokenTimings)
        self.tokenTimings = tokenTimings.map { TokenTimings(slot: $0.slot, timings: $0.timings) }
    }

    private static func kind(_ number: Int, _ reader: inout JournalFieldReader) throws(FieldError) -> Kind {
        switch number {
        case 2:
            try reader.message { reader throws(FieldError) in .admitted(promptTokens: try reader.value(1)) }
        case 3:
            try reader.message { reader throws(FieldError) in
                .started(slot: try reader.value(1), cachedTokens: try reader.value(2))
            }
        case 4: .promptProgress(try reader.message())
        case 5: try reader.message { reader throws(FieldError) in .promptLogprobs(first: try reader.value(1)) }
        case 6:
            try reader.message { reader throws(FieldError) in
                .token(id: try reader.value(1), text: try reader.value(2))
            }
        case 7:
            try reader.message { reader throws(FieldError) in
                var completion = GenerationSummary.blank
                try reader.field(1, &completion)
                return .finished(completion, text: try reader.value(2))
            }
        case 8: .failed(try reader.message())
        case 9:
            try reader.message { reader throws(FieldError) in
                let number = CommandNumber(rawValue: try reader.value(1))
                var outcome = ControlResult.refused(.notStarted)
                try reader.field(2, &outcome)
                return .controlled(number, outcome)
            }
        default: throw .unknownCase(of: "event", number: UInt64(number))
        }
    }
}

/// The fields of `TokenTimings`, which is a class.
private struct StoredTokenTimings: FieldRecord {
    var slot = 0
    var timings = Timings()
    static var blank: Self { Self() }

    mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &slot)
        try coder.field(2, &timings)
    }
}

extension PromptProgress: FieldRecord {
    package static var blank: Self { Self(total: 0, cached: 0, processed: 0, elapsed: .zero) }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &total)
        try coder.field(2, &cached)
        try coder.field(3, &processed)
        try coder.field(4, &elapsed)
        try coder.field(5, &slot)
        try coder.field(6, &queuePosition)
        try coder.field(7, &wait)
    }
}

/// 1 stage, 2 finished part in ten-thousandths.
extension ModelWait: FieldRecord {
    package static var blank: Self { Self(.queued) }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        var number = stage.rawValue
        try coder.field(1, &number)
        try coder.field(2, &parts)
        // A later version may know further stages.
        stage = Stage(rawValue: number) ?? .queued
    }
}

/// 1 text offset, 2 tokens.
extension TokenProbabilities: FieldMessage {
    private struct Token: FieldRecord {
        var id: Int32 = 0
        var value: Float = 0
        var bytes: ArraySlice<UInt8> = []
        static var blank: Self { Self() }

        mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, &id)
            try coder.field(2, &value)
            try coder.field(3, &bytes)
        }
    }

    package func write(to writer: inout JournalFieldWriter) {
        var offset = textOffset
        writer.field(1, &offset)
        for index in 0..<count {
            let element = self[index]
            let token = Token(id: element.id, value: element.value, bytes: element.bytes)
            writer.message(2) { token.write(to: &$0) }
        }
    }

    package init(from reader: inout JournalFieldReader) throws(FieldError) {
        self.init(textOffset: try reader.value(1))
        while var element = try reader.element(2) {
            let token = try Token(from: &element)
            try element.finish()
            append(id: token.id, value: token.value, bytes: token.bytes)
        }
    }
}

extension EngineError: FieldRecord {
    package static var blank: Self { Self(.invalidRequest, "") }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &code)
        try coder.field(2, &message)
        try coder.field(3, &parameter)
        try coder.field(4, &promptTokens)
        try coder.field(5, &contextSize)
    }
}

extension EngineError.Code: FieldCase {
    package static var name: StaticString { "error code" }
    package var fieldNumber: UInt64 {
        switch self {
        case .invalidRequest: 0
        case .contextExceeded: 1
        case .overloaded: 2
        case .generationFailed: 3
        case .loadFailed: 4
        case .engineLost: 5
        case .shuttingDown: 6
        case .abandoned: 7
        case .outOfMemory: 8
        }
    }
}
