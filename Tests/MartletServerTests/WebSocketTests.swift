import MartletAPI
import MartletJSON
import MartletServer
import MartletTestSupport
import Testing

/// The WebSocket as RFC 6455 has it: opening, frames, closing.
@Suite struct WebSocketTests {
    private func open(
        _ server: TestServer, _ headers: [(String, String)] = []
    ) async throws -> RawConnection {
        let connection = try await server.connect()
        let head = try await connection.upgrade("/v1/realtime", headers: headers)
        #expect(head.status == 101)
        return connection
    }

    /// The code of the server's close frame; frames before it are skipped.
    private func closeCode(_ connection: RawConnection) async throws -> Int? {
        while true {
            let frame = try await connection.readFrame()
            if frame.opcode == 0x8 { return frame.closeCode }
        }
    }

    // MARK: Opening

    @Test func handshakeFollowsTheStandard() async throws {
        try await TestServer.run { server async throws in
            let connection = try await server.connect()
            let head = try await connection.upgrade(
                "/v1/realtime", headers: [("Connection", "keep-alive, Upgrade"), ("Upgrade", "WebSocket")])
            #expect(head.status == 101)
            // The example of RFC 6455, 1.3.
            #expect(head["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            #expect(head["upgrade"] == "websocket")
            #expect(head["connection"]?.lowercased() == "upgrade")
            #expect(head["sec-websocket-protocol"] == nil)
            #expect(head["transfer-encoding"] == nil)
            try await connection.sendMessage(#"{"type":"ping","request_id":"a"}"#)
            #expect(try await connection.readMessage() == #"{"type":"pong","of":"ping","request_id":"a"}"#)
        }
    }

    /// A client may send frames before the response to its handshake.
    @Test(arguments: [0, 1, 7, 30, 10_000]) func framesThatCameWithTheHandshakeAreProcessed(early: Int) async throws {
        try await TestServer.run { server async throws in
            let connection = try await server.connect()
            let handshake =
                "GET /v1/realtime HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            let frames = ["a", "b"].flatMap { name in
                RawConnection.frame(0x1, Array(#"{"type":"ping","request_id":"\#(name)"}"#.utf8))
            }
            let health = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
            try await connection.send(Array((health + handshake).utf8) + frames.prefix(early))
            try await connection.send(Array(frames.dropFirst(early)))
            #expect(try await connection.readHead().status == 200)
            _ = try await connection.readBody()
            #expect(try await connection.readHead().status == 101)
            for name in ["a", "b"] {
                let pong = #"{"type":"pong","of":"ping","request_id":"\#(name)"}"#
                #expect(try await connection.readMessage() == pong)
            }
            try await connection.sendMessage(#"{"type":"ping"}"#)
            #expect(try await connection.readMessage() == #"{"type":"pong","of":"ping"}"#)
        }
    }

    /// Frames after a refused handshake are dropped, however many there are.
    @Test func framesBehindARefusedHandshakeAreDropped() async throws {
        try await TestServer.run {
            $0.apiKeys = ["one"]
        } body: { server async throws in
            let connection = try await server.connect()
            let frame = RawConnection.frame(0x1, [UInt8](repeating: 0x20, count: 1 << 20))
            try await connection.send(
                Array(
                    ("GET /v1/realtime HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").utf8)
                    + frame)
            #expect(try await connection.readHead().status == 401)
            await connection.waitForClose()
        }
    }

    @Test func anyRequestOfAConnectionCanOpenIt() async throws {
        try await TestServer.run { server async throws in
            let connection = try await server.connect()
            for _ in 0..<3 {
                try await connection.send("GET", "/health")
                #expect(try await connection.readHead().status == 200)
                _ = try await connection.readBody()
            }
            #expect(try await connection.upgrade("/v1/realtime").status == 101)
            try await connection.sendMessage(#"{"type":"ping"}"#)
            #expect(try await connection.readMessage() == #"{"type":"pong","of":"ping"}"#)
        }
    }

    @Test(arguments: [
        ([("Sec-WebSocket-Version", "8")], 426), ([("Sec-WebSocket-Key", "short")], 400),
        ([("Upgrade", "h2c")], 426), ([("Connection", "keep-alive")], 426), ([("Content-Length", "1")], 400),
        ([("Sec-WebSocket-Protocol", "chat")], 400), ([("Origin", "https://evil.example")], 403),
        ([("Host", "evil.example")], 403),
    ])
    func handshakeThatBreaksARuleIsRefused(headers: [(String, String)], status: Int) async throws {
        try await TestServer.run { server async throws in
            let connection = try await server.connect()
            let names = headers.map { $0.0 }
            if names == ["Host"] {
                try await connection.send(
                    "GET /v1/realtime HTTP/1.1\r\nHost: evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
            } else {
                let body = names == ["Content-Length"] ? "x" : ""
                try await connection.send(
                    "GET", "/v1/realtime",
                    headers: [
                        ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
                        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
                    ].filter { !names.contains($0.0) } + headers)
                if !body.isEmpty { try await connection.send(body) }
            }
            let head = try await connection.readHead()
            #expect(head.status == status)
            #expect(try json(await connection.readBody())["error"]?["message"]?.stringValue?.isEmpty == false)
            if status == 426 { #expect(head["sec-websocket-version"] == "13") }
        }
    }

    /// The framework reads nothing after a request for another protocol, so the response must close the connection.
    @Test func aRefusedUpgradeEndsTheConnection() async throws {
        try await TestServer.run { server async throws in
            let connection = try await server.connect()
            try await connection.send("GET", "/health", headers: [("Connection", "Upgrade"), ("Upgrade", "h2c")])
            let head = try await connection.readHead()
            #expect(head.status == 200)
            #expect(head["connection"] == "close")
            _ = try await connection.readBody()
            await connection.waitForClose()
        }
    }

    @Test func aKeyComesInAHeaderOrAmongTheSubprotocols() async throws {
        try await TestServer.run {
            $0.apiKeys = ["sk-ä/1?"]
        } body: { server async throws in
            #expect(try await server.connect().upgrade("/v1/realtime").status == 401)
            #expect(
                try await server.connect().upgrade("/v1/realtime", headers: [("Sec-WebSocket-Protocol", "martlet.v1")])
                    .status == 401)
            let wrong = [("Sec-WebSocket-Protocol", "martlet.v1, martlet.key.c2st")]
            #expect(try await server.connect().upgrade("/v1/realtime", headers: wrong).status == 401)
            // "sk-ä/1?" in base64url.
            let right = [("Sec-WebSocket-Protocol", "martlet.key.c2stw6QvMT8, martlet.v1")]
            let connection = try await server.connect()
            let head = try await connection.upgrade("/v1/realtime", headers: right)
            #expect(head.status == 101)
            #expect(head["sec-websocket-protocol"] == "martlet.v1")
            let bearer = [("Authorization", "Bearer sk-ä/1?")]
            #expect(try await server.connect().upgrade("/v1/realtime", headers: bearer).status == 101)
        }
    }

    @Test func pagesOfThisMachineMayOpenIt() async throws {
        try await TestServer.run { server async throws in
            _ = try await open(server, [("Origin", "http://localhost:5173")])
        }
    }

    // MARK: Frames

    @Test func fragmentsMakeOneMessageAndControlFramesMayComeBetween() async throws {
        try await TestServer.run { server async throws in
            let connection = try await open(server)
            let text = Array(#"{"type":"ping","request_id":"grüße"}"#.utf8)
            // Also within a character.
            let cut = 34
            try await connection.sendFrame(0x1, Array(text[..<5]), isFinal: false)
            try await connection.sendFrame(0x9, [1, 2, 3])
            try await connection.sendFrame(0x0, [], isFinal: false)
            try await connection.sendFrame(0x0, Array(text[5..<cut]), isFinal: false)
            try await connection.sendFrame(0xA, [])
            try await connection.sendFrame(0x0, Array(text[cut...]))
            let pong = try await connection.readFrame()
            #expect(pong.opcode == 0xA)
            #expect(pong.payload == [1, 2, 3])
            #expect(try await connection.readMessage() == #"{"type":"pong","of":"ping","request_id":"grüße"}"#)
        }
    }

    @Test func framesByteByByteAreRead() async throws {
        try await TestServer.run { server async throws in
            let connection = try await open(server)
            let text = Array(#"{"type":"ping"}"#.utf8)
            let frame = [0x81, 0x80 | UInt8(text.count), 0, 0, 0, 0] + text
            for byte in frame { try await connection.send([byte]) }
            #expect(try await connection.readMessage() == #"{"type":"pong","of":"ping"}"#)
        }
    }

    private struct Breach: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var code: Int
        var send: @Sendable (RawConnection) async throws -> Void
    }

    private static let breaches: [Breach] = [
        Breach(testDescription: "binary", code: 1003) { try await $0.sendFrame(0x2, [1]) },
        Breach(testDescription: "not masked", code: 1002) { try await $0.sendFrame(0x1, [0x7B], isMasked: false) },
        Breach(testDescription: "reserved bit", code: 1002) { try await $0.sendFrame(0x1, [0x7B], firstBits: 4) },
        Breach(testDescription: "reserved opcode", code: 1002) { try await $0.sendFrame(0x3, []) },
        Breach(testDescription: "reserved control opcode", code: 1002) { try await $0.sendFrame(0xB, []) },
        Breach(testDescription: "continuation of nothing", code: 1002) { try await $0.sendFrame(0x0, [0x7B]) },
        Breach(testDescription: "message within a message", code: 1002) {
            try await $0.sendFrame(0x1, [0x7B], isFinal: false)
            try await $0.sendFrame(0x1, [0x7D])
        },
        Breach(testDescription: "binary within a text", code: 1003) {
            try await $0.sendFrame(0x1, [0x7B], isFinal: false)
            try await $0.sendFrame(0x2, [0x7D])
        },
        Breach(testDescription: "fragmented ping", code: 1002) { try await $0.sendFrame(0x9, [], isFinal: false) },
        Breach(testDescription: "long ping", code: 1002) {
            try await $0.sendFrame(0x9, Array(repeating: 0, count: 126))
        },
        Breach(testDescription: "invalid UTF-8", code: 1007) { try await $0.sendFrame(0x1, [0x22, 0xFF, 0x22]) },
        Breach(testDescription: "half a character", code: 1007) {
            try await $0.sendFrame(0x1, [0x22, 0xC3], isFinal: false)
            try await $0.sendFrame(0x0, [0x22])
        },
        Breach(testDescription: "surrogate", code: 1007) { try await $0.sendFrame(0x1, [0xED, 0xA0, 0x80]) },
        Breach(testDescription: "too large", code: 1009) {
            try await $0.sendFrame(0x1, Array(repeating: 0x20, count: 1_001))
        },
        Breach(testDescription: "too large in parts", code: 1009) {
            try await $0.sendFrame(0x1, Array(repeating: 0x20, count: 600), isFinal: false)
            try await $0.sendFrame(0x0, Array(repeating: 0x20, count: 401))
        },
        Breach(testDescription: "close of one byte", code: 1002) { try await $0.sendFrame(0x8, [3]) },
        Breach(testDescription: "close code 999", code: 1002) { try await $0.sendFrame(0x8, [0x03, 0xE7]) },
        Breach(testDescription: "close code 1005", code: 1002) { try await $0.sendFrame(0x8, [0x03, 0xED]) },
        Breach(testDescription: "close code 1006", code: 1002) { try await $0.sendFrame(0x8, [0x03, 0xEE]) },
        Breach(testDescription: "close code 2999", code: 1002) { try await $0.sendFrame(0x8, [0x0B, 0xB7]) },
        Breach(testDescription: "close code 65535", code: 1002) { try await $0.sendFrame(0x8, [0xFF, 0xFF]) },
        Breach(testDescription: "close reason no UTF-8", code: 1007) {
            try await $0.sendFrame(0x8, [0x03, 0xE8, 0xC3])
        },
    ]

    @Test(arguments: breaches)
    private func aBrokenRuleEndsTheWebSocketWithItsCode(_ breach: Breach) async throws {
        try await TestServer.run {
            $0.limits.socketMessageBytes = 1_000
        } body: { server async throws in
            let connection = try await open(server)
            try await breach.send(connection)
            #expect(try await closeCode(connection) == breach.code)
            try await connection.sendFrame(0x8, [UInt8(breach.code >> 8), UInt8(breach.code & 0xFF)])
            await connection.waitForClose()
        }
    }

    @Test func aServerWithoutACloseReplyClosesByItself() async throws {
        try await TestServer.run { server async throws in
            let connection = try await open(server)
            try await connection.sendFrame(0x2, [1])
            await connection.waitForClose()
        }
    }

    // MARK: Closing

    @Test(arguments: [[], [0x03, 0xE8], [0x03, 0xE8, 0x62, 0x79, 0x65], [0x0F, 0xA0]] as [[UInt8]])
    func aCloseFrameIsReturnedWithTheSameCode(payload: [UInt8]) async throws {
        try await TestServer.run { server async throws in
            let connection = try await open(server)
            try await connection.sendFrame(0x8, payload)
            let frame = try await connection.readFrame()
            #expect(frame.opcode == 0x8)
            #expect(frame.payload == Array(payload.prefix(2)))
            await connection.waitForClose()
        }
    }

    @Test func shutdownEndsItWithGoingAway() async throws {
        try await TestServer.run {
            $0.closingTimeout = .seconds(20)
        } body: { server async throws in
            let connection = try await open(server)
            await server.edge.shutDown()
            let frame = try await connection.readFrame()
            #expect(frame.opcode == 0x8)
            #expect(frame.closeCode == 1001)
            try await connection.sendFrame(0x8, frame.payload)
            await connection.waitForClose()
        }
    }

    @Test func serverPingsAndDropsUnresponsiveClients() async throws {
        try await TestServer.run {
            $0.completionDefaults.pingInterval = .milliseconds(50)
        } body: { server async throws in
            let connection = try await open(server)
            for _ in 0..<3 {
                let frame = try await connection.readFrame()
                #expect(frame.opcode == 0x9)
                try await connection.sendFrame(0xA, frame.payload)
            }
            await connection.waitForClose()
        }
    }
}
