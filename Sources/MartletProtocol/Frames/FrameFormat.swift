/// How frames lie on the wire between an edge and its worker.
///
/// A frame is a `UInt32` in little-endian order, the number of the bytes that follow, then one byte for its kind and
/// the fields of that kind without padding:
///
/// - whole numbers as LEB128 varints, signed ones zigzagged
/// - floating-point numbers as the little-endian bits of their IEEE 754 form
/// - text, bytes and lists with their count in front
/// - optional values behind a byte 0 or 1
///
/// Both sides begin with a greeting that names their version. Both are built from one source, so there is exactly one
/// version, and a stranger is refused instead of being half understood.
package enum FrameFormat {
    /// Raised with every change of a frame.
    package static let version: UInt16 = 7

    /// Most bytes of one frame, its length field not counted. Above the largest request body that an edge accepts.
    package static let maximumByteCount = 256 * 1024 * 1024

    /// Most bytes of a reply that goes in one frame; a larger one goes in parts of so many.
    package static let replyPartByteCount = 64 * 1024

    /// First bytes of a greeting.
    static let magic: [UInt8] = Array("mrtl".utf8)

    /// Bytes of the length field.
    static let headerByteCount = 4
}

/// A value with a form on the wire.
protocol FrameField {
    /// Fewest bytes that a value takes, at least 1: bounds the length of a list before memory is taken for it.
    static var minimumByteCount: Int { get }

    func write(to writer: inout ByteWriter)
    init(from reader: inout ByteReader) throws(FrameError)
}
