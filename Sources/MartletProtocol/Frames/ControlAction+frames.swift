extension ControlAction: FrameField {
    static var minimumByteCount: Int { 1 }

    func write(to writer: inout ByteWriter) {
        switch self {
        case .endReasoning(let message):
            writer.write(UInt8(0))
            writer.write(message)
        case .stop(let reason):
            writer.write(UInt8(1))
            writer.write(reason)
        case .pause: writer.write(UInt8(2))
        case .resume: writer.write(UInt8(3))
        case .set(let change):
            writer.write(UInt8(4))
            change.write(to: &writer)
        case .inject(let injection):
            writer.write(UInt8(5))
            injection.write(to: &writer)
        case .rewind(.token(let token)):
            writer.write(UInt8(6))
            writer.write(token)
        case .rewind(.text(let text)):
            writer.write(UInt8(7))
            writer.write(text)
        case .fork(let forks):
            writer.write(UInt8(8))
            writer.write(forks)
        case .status: writer.write(UInt8(9))
        }
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        let number = try reader.readByte()
        switch number {
        case 0: self = .endReasoning(message: try reader.readOptionalString())
        case 1: self = .stop(reason: try reader.readOptionalString())
        case 2: self = .pause
        case 3: self = .resume
        case 4: self = .set(try SettingsChange(from: &reader))
        case 5: self = .inject(try Injection(from: &reader))
        case 6: self = .rewind(.token(try reader.readInt()))
        case 7: self = .rewind(.text(try reader.readString()))
        case 8: self = .fork(try reader.readFields(ForkedGeneration.self))
        case 9: self = .status
        default: throw .unknownCase(of: "action", number: number)
        }
    }
}

extension Injection: FrameField {
    static var minimumByteCount: Int { 4 }

    func write(to writer: inout ByteWriter) {
        content.write(to: &writer)
        writer.write(moment.rawValue)
        writer.write(opensTurn)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        self.init(
            content: try Prompt(from: &reader), moment: try reader.readCase("moment of an injection"),
            opensTurn: try reader.readBool())
    }
}

extension ForkedGeneration: FrameField {
    static var minimumByteCount: Int { 2 }

    func write(to writer: inout ByteWriter) {
        writer.write(handle.rawValue)
        changes.write(to: &writer)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        self.init(
            handle: GenerationHandle(rawValue: try reader.readUInt64()), changes: try SettingsChange(from: &reader))
    }
}

extension SettingsChange: FrameField {
    static var minimumByteCount: Int { 1 }

    func write(to writer: inout ByteWriter) {
        writer.write(keys.map(\.rawValue))
        // No values follow, so an empty change is one byte.
        if !keys.isEmpty { values.write(to: &writer) }
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        self.init()
        for number in try reader.readSlice() {
            guard let key = AdjustableSettingKey(rawValue: number) else {
                throw .unknownCase(of: "setting", number: number)
            }
            keys.append(key)
        }
        if !keys.isEmpty { values = try AdjustableSettings(from: &reader) }
    }
}

extension AdjustableSettings: FrameField {
    static var minimumByteCount: Int { 42 }

    func write(to writer: inout ByteWriter) {
        sampling.write(to: &writer)
        writer.write(maximumTokens)
        writer.write(maximumTime)
        writer.write(stops)
        writer.write(probabilities != nil)
        probabilities?.write(to: &writer)
        writer.write(reasoningBudget)
        writer.write(constraint)
        writer.write(constraintStart)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        self.init()
        sampling = try SamplingParameters(from: &reader)
        maximumTokens = try reader.readOptionalInt()
        maximumTime = try reader.readOptional { reader throws(FrameError) in try reader.readDuration() }
        stops = try reader.readStrings()
        probabilities = try reader.readOptional { reader throws(FrameError) in try ProbabilityRequest(from: &reader) }
        reasoningBudget = try reader.readOptionalInt()
        constraint = try reader.readConstraint()
        constraintStart = try reader.readInt()
    }
}

extension ReasoningRule: FrameField {
    static var minimumByteCount: Int { 8 }

    func write(to writer: inout ByteWriter) {
        writer.write(start)
        writer.write(end)
        writer.write(closing)
        writer.write(isOpen)
        writer.write(budget)
        writer.write(message)
        writer.write(turnBudget)
        writer.write(earlierReasoning)
        writer.write(callStarts)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        self.init(
            start: try reader.readString(), end: try reader.readString(), closing: try reader.readString(),
            isOpen: try reader.readBool(), budget: try reader.readOptionalInt(), message: try reader.readString())
        turnBudget = try reader.readOptionalInt()
        earlierReasoning = try reader.readStrings()
        callStarts = try reader.readStrings()
        guard !start.isEmpty, !end.isEmpty, !callStarts.contains("") else { throw .invalidValue("delimiter") }
    }
}

extension ByteReader {
    mutating func readOptionalString() throws(FrameError) -> String? {
        try readOptional { reader throws(FrameError) in try reader.readString() }
    }

    mutating func readOptionalInt() throws(FrameError) -> Int? {
        try readOptional { reader throws(FrameError) in try reader.readInt() }
    }
}
