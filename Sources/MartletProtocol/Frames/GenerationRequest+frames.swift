import MartletGrammar

extension GenerationRequest: FrameField {
    static var minimumByteCount: Int { 1 }

    func write(to writer: inout ByteWriter) {
        writer.write(handle.rawValue)
        prompt.write(to: &writer)
        settings.write(to: &writer)
        writer.write(parameters.ignoresEndOfGeneration)
        writer.write(parameters.reusesPrompt)
        writer.write(parameters.reportsProgress)
        writer.write(parameters.reportsPromptLogprobs)
        writer.write(visibleDelimiters)
        writer.write(parameters.reportsTokenTimings)
        writer.write(parameters.slot)
        writer.write(parameters.minimumIndent)
        writer.write(parameters.contextShift != nil)
        if let contextShift = parameters.contextShift {
            writer.write(contextShift.keep)
            writer.write(contextShift.discard)
        }
        parameters.cache.write(to: &writer)
        writer.write(parameters.priority)
        tenant.write(to: &writer)
        parameters.speculation.write(to: &writer)
        writer.write(adapters)
        writer.write(sharedPrefillParent?.rawValue)
        writer.write(reasoning != nil)
        reasoning?.write(to: &writer)
        writer.write(isPaused)
        writer.write(continuation)
        writer.write(continuationTime)
        writer.write(UInt64(injections.count))
        for injection in injections {
            writer.write(injection.range.lowerBound)
            writer.write(injection.range.upperBound)
            writer.write(injection.opensTurn)
        }
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        self.init(
            handle: GenerationHandle(rawValue: try reader.readUInt64()), prompt: try Prompt(from: &reader))
        settings = try AdjustableSettings(from: &reader)
        parameters.ignoresEndOfGeneration = try reader.readBool()
        parameters.reusesPrompt = try reader.readBool()
        parameters.reportsProgress = try reader.readBool()
        parameters.reportsPromptLogprobs = try reader.readBool()
        visibleDelimiters = try reader.readStrings()
        parameters.reportsTokenTimings = try reader.readBool()
        parameters.slot = try reader.readOptionalInt()
        parameters.minimumIndent = try reader.readInt()
        parameters.contextShift = try reader.readOptional { reader throws(FrameError) in
            ContextShift(keep: try reader.readInt(), discard: try reader.readInt())
        }
        parameters.cache = try CacheParameters(from: &reader)
        parameters.priority = try reader.readInt()
        tenant = try TenantKeys(from: &reader)
        parameters.speculation = try SpeculationParameters(from: &reader)
        adapters = try reader.readFields(AdapterScale.self)
        let parent = try reader.readOptional { reader throws(FrameError) in try reader.readUInt64() }
        sharedPrefillParent = parent.map(GenerationHandle.init)
        reasoning = try reader.readOptional { reader throws(FrameError) in try ReasoningRule(from: &reader) }
        isPaused = try reader.readBool()
        continuation = try reader.readInt32s()
        continuationTime = try reader.readDuration()
        for _ in 0..<(try reader.readCount(minimumByteCount: 3)) {
            let (start, end) = (try reader.readInt(), try reader.readInt())
            guard start >= 0, start < end else { throw .invalidValue("range of tokens") }
            injections.append(InjectedTokens(start..<end, opensTurn: try reader.readBool()))
        }
    }
}

extension ByteWriter {
    mutating func write(_ constraint: GenerationConstraint?) {
        write(constraint != nil)
        if let constraint { write(constraint.grammar.encoded()) }
    }
}

extension ByteReader {
    mutating func readConstraint() throws(FrameError) -> GenerationConstraint? {
        try readOptional { reader throws(FrameError) in
            let bytes = try reader.readSlice()
            // The limits of a grammar were checked where it was built.
            guard let grammar = try? Grammar(decoding: bytes, limits: .unlimited) else {
                throw .invalidValue("grammar")
            }
            return GenerationConstraint(grammar)
        }
    }
}

extension SpeculationParameters: FrameField {
    static var minimumByteCount: Int { 4 }

    func write(to writer: inout ByteWriter) {
        writer.write(kinds != nil)
        if let kinds {
            writer.write(UInt64(kinds.count))
            for kind in kinds { writer.write(kind.rawValue) }
        }
        writer.write(maximumCount)
        writer.write(minimumCount)
        writer.write(minimumProbability != nil)
        if let minimumProbability { writer.write(minimumProbability) }
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        self.init()
        kinds = try reader.readOptional { reader throws(FrameError) in
            var kinds: [DraftKind] = []
            for _ in 0..<(try reader.readCount(minimumByteCount: 1)) {
                let number = try reader.readByte()
                guard let kind = DraftKind(rawValue: number) else {
                    throw .unknownCase(of: "kind of drafts", number: number)
                }
                kinds.append(kind)
            }
            return kinds
        }
        maximumCount = try reader.readOptionalInt()
        minimumCount = try reader.readOptionalInt()
        minimumProbability = try reader.readOptional { reader throws(FrameError) in try reader.readFloat() }
    }
}

extension AdapterScale: FrameField {
    static var minimumByteCount: Int { 5 }

    func write(to writer: inout ByteWriter) {
        writer.write(index)
        writer.write(scale)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        self.init(index: try reader.readInt(), scale: try reader.readFloat())
    }
}

extension Prompt: FrameField {
    static var minimumByteCount: Int { 3 }

    func write(to writer: inout ByteWriter) {
        writer.write(pieces)
        writer.write(addsBeginning)
        writer.write(boundaries)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        self.init(
            pieces: try reader.readFields(Piece.self), addsBeginning: try reader.readBool(),
            boundaries: try reader.readFields(PromptBoundary.self))
    }
}

extension Prompt.Piece: FrameField {
    static var minimumByteCount: Int { 2 }

    func write(to writer: inout ByteWriter) {
        switch self {
        case .text(let text, isTrusted: false):
            writer.write(UInt8(0))
            writer.write(text)
        case .text(let text, isTrusted: true):
            writer.write(UInt8(1))
            writer.write(text)
        case .tokens(let tokens):
            writer.write(UInt8(2))
            writer.write(tokens)
        }
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        let number = try reader.readByte()
        switch number {
        case 0: self = .text(try reader.readString(), isTrusted: false)
        case 1: self = .text(try reader.readString(), isTrusted: true)
        case 2: self = .tokens(try reader.readInt32s())
        default: throw .unknownCase(of: "piece of a prompt", number: number)
        }
    }
}
