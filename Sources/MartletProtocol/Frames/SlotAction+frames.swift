extension SlotAction: FrameField {
    static var minimumByteCount: Int { 3 }

    func write(to writer: inout ByteWriter) {
        writer.write(slot)
        writer.write(cacheScope)
        switch kind {
        case .save(let path):
            writer.write(UInt8(0))
            writer.write(path)
        case .restore(let path):
            writer.write(UInt8(1))
            writer.write(path)
        case .erase: writer.write(UInt8(2))
        }
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        let slot = try reader.readInt()
        let scope = try reader.readUInt64()
        let number = try reader.readByte()
        let kind: Kind =
            switch number {
            case 0: .save(path: try reader.readString())
            case 1: .restore(path: try reader.readString())
            case 2: .erase
            default: throw .unknownCase(of: "slot action", number: number)
            }
        self.init(kind, slot: slot, cacheScope: scope)
    }
}

extension SlotActionResult: FrameField {
    static var minimumByteCount: Int { 3 }

    func write(to writer: inout ByteWriter) {
        writer.write(tokenCount)
        writer.write(byteCount)
        writer.write(duration)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        self.init(
            tokenCount: try reader.readInt(), byteCount: try reader.readInt(), duration: try reader.readDuration())
    }
}
