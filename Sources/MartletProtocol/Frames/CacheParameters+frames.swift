extension CacheParameters: FrameField {
    static var minimumByteCount: Int { 4 }

    func write(to writer: inout ByteWriter) {
        writer.write(retention.rawValue)
        writer.write(prefix?.rawValue)
        writer.write(isExplained)
        writer.write(shiftLength)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        self.init()
        retention = try reader.readCase("retention in the cache")
        prefix = try reader.readPrefixID()
        isExplained = try reader.readBool()
        shiftLength = try reader.readInt()
    }
}

extension TenantKeys: FrameField {
    static var minimumByteCount: Int { 2 }

    func write(to writer: inout ByteWriter) {
        writer.write(cacheScope)
        writer.write(fairShare)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        self.init(cacheScope: try reader.readUInt64(), fairShare: try reader.readUInt64())
    }
}

extension PromptBoundary: FrameField {
    static var minimumByteCount: Int { 4 }

    func write(to writer: inout ByteWriter) {
        writer.write(kind.rawValue)
        writer.write(piece)
        writer.write(offset)
        writer.write(isPinned)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        self.init(
            try reader.readCase("kind of a prompt's boundary"), piece: try reader.readInt(),
            offset: try reader.readInt(), isPinned: try reader.readBool())
    }
}

extension CacheReport: FrameField {
    static var minimumByteCount: Int { 7 }

    func write(to writer: inout ByteWriter) {
        writer.write(reason.rawValue)
        writer.write(matchedTokens)
        writer.write(tier)
        writer.write(usesCheckpoint)
        writer.write(prefix?.rawValue)
        writer.write(difference != nil)
        if let difference {
            writer.write(difference.index)
            writer.write(difference.promptText)
            writer.write(difference.cachedText)
        }
        writer.write(shift != nil)
        if let shift {
            writer.write(shift.tokens)
            writer.write(shift.isPossible)
        }
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        self.init(try reader.readCase("reason of a cache report"), matchedTokens: try reader.readInt())
        tier = try reader.readTier()
        usesCheckpoint = try reader.readBool()
        prefix = try reader.readPrefixID()
        difference = try reader.readOptional { reader throws(FrameError) in
            Difference(
                index: try reader.readInt(), promptText: try reader.readString(), cachedText: try reader.readString())
        }
        shift = try reader.readOptional { reader throws(FrameError) in
            Shift(tokens: try reader.readInt(), isPossible: try reader.readBool())
        }
    }
}

extension ByteWriter {
    mutating func write(_ tier: CacheTier?) {
        write(tier != nil)
        if let tier { write(tier.rawValue) }
    }
}

extension ByteReader {
    mutating func readTier() throws(FrameError) -> CacheTier? {
        try readOptional { reader throws(FrameError) in try reader.readCase("tier of the cache") }
    }

    mutating func readPrefixID() throws(FrameError) -> PinnedPrefixID? {
        let id = try readOptional { reader throws(FrameError) in try reader.readUInt64() }
        return id.map(PinnedPrefixID.init)
    }

    mutating func readOptionalUInt64() throws(FrameError) -> UInt64? {
        try readOptional { reader throws(FrameError) in try reader.readUInt64() }
    }
}
