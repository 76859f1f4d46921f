/// Assembles a client's frames into messages, and enforces the rules of RFC 6455.
///
/// A value without a connection, so that tests need none. After an error it must not be used again.
package struct MessageAssembler: Sendable {
    /// A frame of the client, unmasked.
    package struct Frame: Sendable {
        package var isFinal = true
        /// Whether a reserved bit is set. Only extensions use these bits, and the server supports none.
        package var usesExtension = false
        /// The kind of the frame (RFC 6455, 5.2).
        package var opcode: UInt8
        package var isMasked = true
        package var payload: [UInt8]

        package init(opcode: UInt8, payload: [UInt8]) {
            self.opcode = opcode
            self.payload = payload
        }
    }

    /// The reaction to a frame.
    package enum Action: Sendable, Equatable {
        /// The message is incomplete, or the frame needs no reaction.
        case none
        /// A complete text message, valid UTF-8.
        case message([UInt8])
        /// The payload that the pong repeats.
        case ping([UInt8])
        /// The client closes the WebSocket. The response is a close frame with the same code.
        case close(code: UInt16?)
    }

    private let limit: Int
    /// The fragments of an incomplete text message.
    private var partial: [UInt8]?

    /// - Parameter limit: the most bytes of a message.
    package init(limit: Int) { self.limit = limit }

    /// Processes one frame.
    /// - Throws: the reason with which the server must close the WebSocket.
    package mutating func append(_ frame: Frame) throws(SocketCloseReason) -> Action {
        guard frame.isMasked else { throw .protocolError("A client's frames must be masked") }
        guard !frame.usesExtension else { throw .protocolError("No extension was agreed on") }
        switch frame.opcode {
        case 0x0:
            guard let begun = partial else { throw .protocolError("A continuation without a beginning") }
            return try add(frame, to: begun)
        case 0x1:
            guard partial == nil else { throw .protocolError("A new message within a fragmented one") }
            return try add(frame, to: [])
        case 0x2: throw SocketCloseReason(code: 1003, reason: "Messages are text, not binary")
        case 0x8: return .close(code: try Self.closeCode(frame.payload))
        case 0x9: return .ping(frame.payload)
        case 0xA: return .none
        default: throw .protocolError("Frames of kind \(frame.opcode) are not defined")
        }
    }

    private mutating func add(_ frame: Frame, to begun: [UInt8]) throws(SocketCloseReason) -> Action {
        guard begun.count + frame.payload.count <= limit else { throw .tooLarge(limit: limit) }
        partial = nil
        let text = begun.isEmpty ? frame.payload : begun + frame.payload
        guard frame.isFinal else {
            partial = text
            return .none
        }
        guard String(validating: text, as: UTF8.self) != nil else {
            throw SocketCloseReason(code: 1007, reason: "A text message must be UTF-8")
        }
        return .message(text)
    }

    /// The code of a close frame; nil if it has none. RFC 6455, 7.4 lists the codes that a client may send.
    private static func closeCode(_ payload: [UInt8]) throws(SocketCloseReason) -> UInt16? {
        if payload.isEmpty { return nil }
        guard payload.count >= 2 else { throw .protocolError("A close frame's code has two bytes") }
        let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: break
        default: throw .protocolError("Close code \(code) must not be sent")
        }
        guard String(validating: payload[2...], as: UTF8.self) != nil else {
            throw SocketCloseReason(code: 1007, reason: "A close frame's reason must be UTF-8")
        }
        return code
    }
}
