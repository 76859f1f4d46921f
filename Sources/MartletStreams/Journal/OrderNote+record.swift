internal import MartletProtocol

/// An order in a journal's record.
extension OrderNote {
    func write(to writer: inout ByteWriter) {
        writer.write(number.rawValue)
        writer.write(name?.requestID)
        writer.write(name?.action ?? "")
        writer.write(name?.digest ?? 0)
        writer.write(forks)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        number = ControlNumber(rawValue: try reader.readUInt64())
        let requestID = try reader.readOptional { reader throws(FrameError) in try reader.readString() }
        let (action, digest) = (try reader.readString(), try reader.readUInt64())
        name = requestID.map { OrderName(requestID: $0, action: action, digest: digest) }
        forks = try reader.readStrings()
    }
}
