extension ThreadActivity: FrameField {
    static var minimumByteCount: Int { 3 }

    func write(to writer: inout ByteWriter) {
        writer.write(kind.rawValue)
        writer.write(count)
        writer.write(steps)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        let number = try reader.readByte()
        guard let kind = Kind(rawValue: number) else { throw .unknownCase(of: "activity", number: number) }
        self.init(kind, count: try reader.readInt(), steps: try reader.readUInt64())
    }
}
