/// Frames of a WebSocket (RFC 6455) as a server writes them: each a whole message, not masked.
package enum SocketFrame {
    package enum Kind: UInt8, Sendable {
        case text = 0x1
        case close = 0x8
        case ping = 0x9
        case pong = 0xA
    }

    /// Appends a frame with what `payload` appends.
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

    /// A frame of its own.
    package static func bytes(_ kind: Kind, _ payload: [UInt8] = []) -> [UInt8] {
        var bytes: [UInt8] = []
        append(kind, to: &bytes) { $0 += payload }
        return bytes
    }

    /// The frame that ends a WebSocket. Without an end: nothing is said of why.
    package static func close(_ end: SocketCloseReason?) -> [UInt8] {
        // A control frame has room for 123 bytes of words; ours are ASCII.
        bytes(.close, end.map { bigEndian($0.code) + Array($0.reason.utf8.prefix(123)) } ?? [])
    }

    private static func bigEndian<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }
}

/// Why a WebSocket ends: a code of RFC 6455, and a sentence for people.
package struct SocketCloseReason: Error, Sendable, Equatable {
    package var code: UInt16
    package var reason: String

    package init(code: UInt16, reason: String) {
        self.code = code
        self.reason = reason
    }

    package static let shuttingDown = SocketCloseReason(code: 1001, reason: "The server is shutting down")

    package static func protocolError(_ reason: String) -> SocketCloseReason {
        SocketCloseReason(code: 1002, reason: reason)
    }

    package static func tooLarge(limit: Int) -> SocketCloseReason {
        SocketCloseReason(code: 1009, reason: "A message may have at most \(limit) bytes")
    }
}
