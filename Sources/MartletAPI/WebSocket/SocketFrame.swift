/// Encodes a server's WebSocket frames (RFC 6455): each is a whole message and not masked.
package enum SocketFrame {
    /// The opcodes that a server sends.
    package enum Kind: UInt8, Sendable {
        case text = 0x1
        case close = 0x8
        case ping = 0x9
        case pong = 0xA
    }

    /// Appends a frame around the bytes that `payload` appends.
    ///
    /// The length is written afterwards; only payloads of 126 bytes and more are moved for it.
    package static func append(_ kind: Kind, to bytes: inout [UInt8], _ payload: (inout [UInt8]) -> Void) {
        let start = bytes.count
        bytes.append(0x80 | kind.rawValue)
        bytes.append(0)
        payload(&bytes)
        let count = bytes.count - start - 2
        if count < 126 {
            bytes[start + 1] = UInt8(count)
        } else if count <= UInt16.max {
            bytes[start + 1] = 126
            bytes.insert(contentsOf: Self.bigEndian(UInt16(count)), at: start + 2)
        } else {
            bytes[start + 1] = 127
            bytes.insert(contentsOf: Self.bigEndian(UInt64(count)), at: start + 2)
        }
    }

    /// A whole frame around the bytes that `payload` appends.
    package static func bytes(_ kind: Kind, _ payload: (inout [UInt8]) -> Void) -> [UInt8] {
        var bytes: [UInt8] = []
        append(kind, to: &bytes, payload)
        return bytes
    }

    /// A whole frame.
    package static func bytes(_ kind: Kind, _ payload: [UInt8] = []) -> [UInt8] {
        var bytes: [UInt8] = []
        append(kind, to: &bytes) { $0 += payload }
        return bytes
    }

    /// A close frame.
    /// - Parameter end: code and reason; nil for a frame without either.
    package static func close(_ end: SocketCloseReason?) -> [UInt8] {
        // A control frame has at most 125 bytes, two of which are the code. The reasons are ASCII, so the cut is valid
        // UTF-8.
        bytes(.close, end.map { bigEndian($0.code) + Array($0.reason.utf8.prefix(123)) } ?? [])
    }

    /// The bytes of an integer in network order.
    private static func bigEndian<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }
}

/// The code (RFC 6455, 7.4.1) and the reason of a close frame.
package struct SocketCloseReason: Error, Sendable, Equatable {
    package var code: UInt16
    package var reason: String

    package init(code: UInt16, reason: String) {
        self.code = code
        self.reason = reason
    }

    /// The server shuts down. Clients may reconnect.
    package static let shuttingDown = SocketCloseReason(code: 1001, reason: "The server is shutting down")

    /// The client broke a rule of RFC 6455.
    package static func protocolError(_ reason: String) -> SocketCloseReason {
        SocketCloseReason(code: 1002, reason: reason)
    }

    /// The client's message exceeds the limit.
    package static func tooLarge(limit: Int) -> SocketCloseReason {
        SocketCloseReason(code: 1009, reason: "A message may have at most \(limit) bytes")
    }
}
