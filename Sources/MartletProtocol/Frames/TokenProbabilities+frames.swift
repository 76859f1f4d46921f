extension ProbabilityRequest: FrameField {
    static var minimumByteCount: Int { 2 }

    func write(to writer: inout ByteWriter) {
        writer.write(count)
        writer.write(stage.rawValue)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        self.init(count: try reader.readInt(), stage: try reader.readCase("stage of probabilities"))
    }
}

extension TokenProbabilities: FrameField {
    static var minimumByteCount: Int { 2 }

    private static var minimumElementByteCount: Int { 6 }

    func write(to writer: inout ByteWriter) {
        writer.write(textOffset)
        writer.write(UInt64(count))
        for index in 0..<count {
            let element = self[index]
            writer.write(element.id)
            writer.write(element.value)
            writer.write(element.bytes)
        }
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        let offset = try reader.readInt()
        let count = try reader.readCount(minimumByteCount: Self.minimumElementByteCount)
        self.init(textOffset: offset, capacity: min(count, 64))
        for _ in 0..<count {
            append(id: try reader.readInt32(), value: try reader.readFloat(), bytes: try reader.readSlice())
        }
    }
}
