extension ByteWriter {
    mutating func writeGreeting(version: UInt16) {
        for byte in FrameFormat.magic { write(byte) }
        write(version)
    }
}

extension ByteReader {
    mutating func readGreeting() throws(FrameError) -> UInt16 {
        for expected in FrameFormat.magic where try readByte() != expected { throw .invalidValue("greeting") }
        return try readUInt16()
    }

    mutating func readQueryNumber() throws(FrameError) -> QueryNumber {
        QueryNumber(rawValue: try readUInt64())
    }
}
