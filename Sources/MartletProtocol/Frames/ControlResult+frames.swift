extension ControlResult: FrameField {
    static var minimumByteCount: Int { 2 }

    func write(to writer: inout ByteWriter) {
        switch self {
        case .applied(let command, let token):
            writer.write(UInt8(0))
            writer.write(token)
            command.write(to: &writer)
        case .refused(let refusal):
            writer.write(UInt8(1))
            refusal.write(to: &writer)
        case .status(let status):
            writer.write(UInt8(2))
            status.write(to: &writer)
        }
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        let number = try reader.readByte()
        switch number {
        case 0:
            let token = try reader.readInt()
            self = .applied(try AppliedCommand(from: &reader), token: token)
        case 1: self = .refused(try ControlRefusal(from: &reader))
        case 2: self = .status(try GenerationReport(from: &reader))
        default: throw .unknownCase(of: "result", number: number)
        }
    }
}

extension AppliedCommand: FrameField {
    static var minimumByteCount: Int { 1 }

    func write(to writer: inout ByteWriter) {
        switch self {
        case .reasoningEnded(let tokens):
            writer.write(UInt8(0))
            writer.write(tokens)
        case .stopped(let reason):
            writer.write(UInt8(1))
            writer.write(reason)
        case .paused: writer.write(UInt8(2))
        case .resumed: writer.write(UInt8(3))
        case .changed(let change, let old):
            writer.write(UInt8(4))
            change.write(to: &writer)
            old.write(to: &writer)
        case .injected(let opensTurn, let tokens):
            writer.write(UInt8(5))
            writer.write(opensTurn)
            writer.write(tokens)
        case .rewound: writer.write(UInt8(6))
        case .forked(let handles):
            writer.write(UInt8(7))
            writer.write(UInt64(handles.count))
            for handle in handles { writer.write(handle.rawValue) }
        }
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        let number = try reader.readByte()
        switch number {
        case 0: self = .reasoningEnded(tokens: try reader.readInt())
        case 1: self = .stopped(reason: try reader.readOptionalString())
        case 2: self = .paused
        case 3: self = .resumed
        case 4: self = .changed(try SettingsChange(from: &reader), old: try AdjustableSettings(from: &reader))
        case 5: self = .injected(opensTurn: try reader.readBool(), tokens: try reader.readInt())
        case 6: self = .rewound
        case 7:
            var handles: [GenerationHandle] = []
            for _ in 0..<(try reader.readCount(minimumByteCount: 1)) {
                handles.append(GenerationHandle(rawValue: try reader.readUInt64()))
            }
            self = .forked(handles)
        default: throw .unknownCase(of: "command", number: number)
        }
    }
}

extension ControlRefusal: FrameField {
    static var minimumByteCount: Int { 1 }

    func write(to writer: inout ByteWriter) {
        switch self {
        case .notReasoning: writer.write(UInt8(0))
        case .reasoningAlreadyEnded: writer.write(UInt8(1))
        case .noReasoningDelimiters: writer.write(UInt8(2))
        case .notStarted: writer.write(UInt8(3))
        case .notPaused: writer.write(UInt8(4))
        case .alreadyPaused: writer.write(UInt8(5))
        case .contextFull(let tokens):
            writer.write(UInt8(6))
            writer.write(tokens)
        case .tooManyInjections(let limit):
            writer.write(UInt8(7))
            writer.write(limit)
        case .beyondEnd(let tokens):
            writer.write(UInt8(8))
            writer.write(tokens)
        case .textNotFound: writer.write(UInt8(9))
        case .noFreeSequence(let idle):
            writer.write(UInt8(10))
            writer.write(idle)
        case .invalid(let message):
            writer.write(UInt8(11))
            writer.write(message)
        case .truncated: writer.write(UInt8(12))
        case .constrained: writer.write(UInt8(13))
        }
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        let number = try reader.readByte()
        switch number {
        case 0: self = .notReasoning
        case 1: self = .reasoningAlreadyEnded
        case 2: self = .noReasoningDelimiters
        case 3: self = .notStarted
        case 4: self = .notPaused
        case 5: self = .alreadyPaused
        case 6: self = .contextFull(tokens: try reader.readInt())
        case 7: self = .tooManyInjections(limit: try reader.readInt())
        case 8: self = .beyondEnd(tokens: try reader.readInt())
        case 9: self = .textNotFound
        case 10: self = .noFreeSequence(idle: try reader.readInt())
        case 11: self = .invalid(try reader.readString())
        case 12: self = .truncated
        case 13: self = .constrained
        default: throw .unknownCase(of: "refusal", number: number)
        }
    }
}

extension GenerationReport: FrameField {
    static var minimumByteCount: Int { 13 }

    func write(to writer: inout ByteWriter) {
        writer.write(phase.rawValue)
        writer.write(isPaused)
        writer.write(position)
        writer.write(promptTokens)
        writer.write(promptTokensProcessed)
        writer.write(cachedTokens)
        writer.write(predictedTokens)
        writer.write(reasoningTokens)
        writer.write(reasoningBudget)
        writer.write(kvCacheTokens)
        writer.write(swappedOutTokens)
        writer.write(predictedTime)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        self.init()
        phase = try reader.readCase("phase of a generation")
        isPaused = try reader.readBool()
        position = try reader.readOptionalInt()
        promptTokens = try reader.readInt()
        promptTokensProcessed = try reader.readInt()
        cachedTokens = try reader.readInt()
        predictedTokens = try reader.readInt()
        reasoningTokens = try reader.readInt()
        reasoningBudget = try reader.readOptionalInt()
        kvCacheTokens = try reader.readInt()
        swappedOutTokens = try reader.readInt()
        predictedTime = try reader.readDuration()
    }
}
