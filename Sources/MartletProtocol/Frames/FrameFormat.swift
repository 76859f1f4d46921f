/// The encoding of frames between an edge and its worker.
///
/// A frame is a `UInt32` in little-endian order, which is the number of the bytes that follow, then one byte for the
/// kind, and the fields of that kind without padding:
///
/// - whole numbers as LEB128 varints, signed numbers zigzag
/// - floating-point numbers as little-endian IEEE 754
/// - text, bytes and lists with their count in front
/// - optional values behind a byte 0 or 1
///
/// A frame from a worker has its number in front of the kind, 1 for the first frame behind the greeting. A frame that is
/// repeated, lost or out of order would double or lose text, so the edge refuses it.
///
/// Both sides begin with a greeting that contains their version. Both are built from the same source, so there is
/// exactly one version, and a different one is refused.
package enum FrameFormat {
    /// The version; incremented with every change of a frame.
    package static let version: UInt16 = 13

    /// The largest size of a frame in bytes, without its length field. It exceeds the largest request body that an edge
    /// accepts.
    package static let maximumByteCount = 256 * 1024 * 1024

    /// The largest size in bytes of a reply in one frame; a larger reply is split into parts of this size.
    package static let replyPartByteCount = 64 * 1024

    /// The first bytes of a greeting.
    static let magic: [UInt8] = Array("mrtl".utf8)

    /// The size of the length field in bytes.
    static let headerByteCount = 4
}

/// A value with an encoding in frames.
protocol FrameField {
    /// The smallest encoded size of a value, at least 1. It bounds the count of a list before memory is allocated for
    /// it.
    static var minimumByteCount: Int { get }

    /// Appends the encoded value.
    func write(to writer: inout ByteWriter)
    /// Reads an encoded value.
    init(from reader: inout ByteReader) throws(FrameError)
}
