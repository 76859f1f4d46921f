extension EngineStatus: FrameField {
    static var minimumByteCount: Int { 21 }

    func write(to writer: inout ByteWriter) {
        writer.write(slots)
        writer.write(queued)
        writer.write(counters.promptTokens)
        writer.write(counters.cachedTokens)
        writer.write(counters.predictedTokens)
        writer.write(counters.promptTime)
        writer.write(counters.predictedTime)
        writer.write(counters.drafts)
        writer.write(counters.draftedTokens)
        writer.write(counters.acceptedDraftTokens)
        writer.write(counters.decodes)
        writer.write(counters.busySlots)
        writer.write(counters.longestContext)
        cache.write(to: &writer)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        self.init()
        slots = try reader.readFields(SlotStatus.self)
        queued = try reader.readInt()
        counters.promptTokens = try reader.readUInt64()
        counters.cachedTokens = try reader.readUInt64()
        counters.predictedTokens = try reader.readUInt64()
        counters.promptTime = try reader.readDuration()
        counters.predictedTime = try reader.readDuration()
        counters.drafts = try reader.readUInt64()
        counters.draftedTokens = try reader.readUInt64()
        counters.acceptedDraftTokens = try reader.readUInt64()
        counters.decodes = try reader.readUInt64()
        counters.busySlots = try reader.readUInt64()
        counters.longestContext = try reader.readInt()
        cache = try CacheStatus(from: &reader)
    }
}

extension SlotStatus: FrameField {
    static var minimumByteCount: Int { 10 }

    func write(to writer: inout ByteWriter) {
        writer.write(index)
        writer.write(phase.rawValue)
        writer.write(handle?.rawValue)
        writer.write(kvCacheTokens)
        writer.write(promptTokens)
        writer.write(promptTokensProcessed)
        writer.write(cachedTokens)
        writer.write(predictedTokens)
        writer.write(remainingTokens != nil)
        if let remainingTokens { writer.write(remainingTokens) }
        writer.write(hasLineBreak)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        self.init(index: try reader.readInt())
        let number = try reader.readByte()
        guard let phase = Phase(rawValue: number) else { throw .unknownCase(of: "phase of a slot", number: number) }
        self.phase = phase
        let rawHandle = try reader.readOptional { reader throws(FrameError) in try reader.readUInt64() }
        handle = rawHandle.map(GenerationHandle.init)
        kvCacheTokens = try reader.readInt()
        promptTokens = try reader.readInt()
        promptTokensProcessed = try reader.readInt()
        cachedTokens = try reader.readInt()
        predictedTokens = try reader.readInt()
        remainingTokens = try reader.readOptional { reader throws(FrameError) in try reader.readInt() }
        hasLineBreak = try reader.readBool()
    }
}
