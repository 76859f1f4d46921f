extension Embedding: FrameField {
    static var minimumByteCount: Int { 3 }

    func write(to writer: inout ByteWriter) {
        writer.write(tokenCount)
        writer.write(length)
        writer.write(values)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        let tokenCount = try reader.readInt()
        let length = try reader.readInt()
        let values = try reader.readFloats()
        guard length > 0, values.count % length == 0 else { throw .invalidValue("length of a vector") }
        self.init(tokenCount: tokenCount, length: length, values: values)
    }
}
