/// The client side of a WebSocket, with access to single frames: tests can break any rule of RFC 6455.
extension RawConnection {
    /// A frame from the server.
    package struct Frame: Sendable {
        /// Whether the frame is the last one of its message.
        package var isFinal: Bool
        /// 1 = text, 2 = binary, 8 = close, 9 = ping, 10 = pong.
        package var opcode: UInt8
        /// The payload without a mask.
        package var payload: [UInt8]

        /// The payload as text.
        package var text: String { String(decoding: payload, as: UTF8.self) }

        /// The code of a close frame; `nil` if the payload has none.
        package var closeCode: Int? {
            payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : nil
        }
    }

    /// Sends the upgrade request and returns the response's head. `headers` replace the usual ones.
    package func upgrade(_ path: String, headers: [(String, String)] = []) async throws -> RawResponseHead {
        let names = headers.map { $0.0.lowercased() }
        let usual = [
            ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ].filter { !names.contains($0.0.lowercased()) }
        try await send("GET", path, headers: usual + headers)
        return try await readHead()
    }

    /// Sends a frame.
    /// - Parameter firstBits: The three reserved bits behind the final bit.
    package func sendFrame(
        _ opcode: UInt8, _ payload: [UInt8] = [], isFinal: Bool = true, isMasked: Bool = true, firstBits: UInt8 = 0
    ) async throws {
        try await send(Self.frame(opcode, payload, isFinal: isFinal, isMasked: isMasked, firstBits: firstBits))
    }

    /// The bytes of a frame. The mask is constant, so that tests are reproducible.
    package static func frame(
        _ opcode: UInt8, _ payload: [UInt8] = [], isFinal: Bool = true, isMasked: Bool = true, firstBits: UInt8 = 0
    ) -> [UInt8] {
        let mask: [UInt8] = [0x5A, 0xA5, 0x0F, 0xF0]
        var bytes = [(isFinal ? 0x80 : 0) | firstBits << 4 | opcode]
        let bit: UInt8 = isMasked ? 0x80 : 0
        switch payload.count {
        case ...125: bytes.append(bit | UInt8(payload.count))
        case ...0xFFFF: bytes += [bit | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        default:
            bytes.append(bit | 127)
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: payload.count >> shift))
            }
        }
        if isMasked {
            bytes += mask
            bytes += payload.enumerated().map { $1 ^ mask[$0 % 4] }
        } else {
            bytes += payload
        }
        return bytes
    }

    /// Sends one text message.
    package func sendMessage(_ text: String) async throws {
        try await sendFrame(0x1, Array(text.utf8))
    }

    /// Reads a frame.
    /// - Throws: If the frame is masked, which a server must not do, or the connection ends.
    package func readFrame() async throws -> Frame {
        let head = try await inbox.bytes(2)
        var count = Int(head[1] & 0x7F)
        guard head[1] & 0x80 == 0 else { throw RawConnectionError.malformed("a server masks nothing") }
        if count >= 126 {
            count = try await inbox.bytes(count == 126 ? 2 : 8).reduce(0) { $0 << 8 | Int($1) }
        }
        return Frame(isFinal: head[0] & 0x80 != 0, opcode: head[0] & 0x0F, payload: try await inbox.bytes(count))
    }

    /// Reads the next text message. Pings get a pong and are skipped.
    package func readMessage() async throws -> String {
        while true {
            let frame = try await readFrame()
            switch frame.opcode {
            case 0x1: return frame.text
            case 0x9: try await sendFrame(0xA, frame.payload)
            default: throw RawConnectionError.malformed("frame \(frame.opcode) \(frame.closeCode ?? 0) \(frame.text)")
            }
        }
    }
}
