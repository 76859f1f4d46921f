extension CacheStatus: FrameField {
    static var minimumByteCount: Int { 6 }

    func write(to writer: inout ByteWriter) {
        writer.write(tiers)
        writer.write(hits)
        writer.write(misses)
        writer.write(checkpoints)
        writer.write(checkpointRestores)
        writer.write(prefixes)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        self.init()
        tiers = try reader.readFields(CacheTierStatus.self)
        hits = try reader.readUInt64()
        misses = try reader.readUInt64()
        checkpoints = try reader.readInt()
        checkpointRestores = try reader.readUInt64()
        prefixes = try reader.readFields(PinnedPrefixStatus.self)
    }
}

extension CacheTierStatus: FrameField {
    static var minimumByteCount: Int { 8 }

    func write(to writer: inout ByteWriter) {
        writer.write(tier.rawValue)
        writer.write(entries)
        writer.write(tokens)
        writer.write(byteCount)
        writer.write(byteLimit)
        writer.write(reusedTokens)
        writer.write(evictions)
        writer.write(damaged)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        self.init(try reader.readCase("tier of the cache"))
        entries = try reader.readInt()
        tokens = try reader.readInt()
        byteCount = try reader.readUInt64()
        byteLimit = try reader.readOptionalUInt64()
        reusedTokens = try reader.readUInt64()
        evictions = try reader.readUInt64()
        damaged = try reader.readUInt64()
    }
}

extension PinnedPrefixStatus: FrameField {
    static var minimumByteCount: Int { 6 }

    func write(to writer: inout ByteWriter) {
        writer.write(id.rawValue)
        writer.write(tokens)
        writer.write(byteCount)
        writer.write(tier)
        writer.write(hits)
        writer.write(idleTime)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        self.init(PinnedPrefixID(rawValue: try reader.readUInt64()))
        tokens = try reader.readInt()
        byteCount = try reader.readUInt64()
        tier = try reader.readTier()
        hits = try reader.readUInt64()
        idleTime = try reader.readOptional { reader throws(FrameError) in try reader.readDuration() }
    }
}
