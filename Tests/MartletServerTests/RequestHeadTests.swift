import MartletJSON
import MartletProtocol
import MartletTestSupport
import Testing

@testable import MartletServer

/// Heads of requests: lengths, hosts, codings, versions, and clients that wait for `100 Continue`.
@Suite struct RequestHeadTests {
    private static let post = "POST /tokenize HTTP/1.1\r\nHost: localhost\r\n"
    private static let body = #"{"content":"ab"}"#

    /// Sends `text` and reads one response.
    private static func response(
        _ server: TestServer, _ text: String
    ) async throws -> (head: RawResponseHead, body: String, connection: RawConnection) {
        let connection = try await server.connect()
        try await connection.send(text)
        let head = try await connection.readHead()
        return (head, try await connection.readBody(), connection)
    }

    @Test(arguments: [
        ("Content-Length: 100000001", 413), ("Content-Length: 9223372036854775807", 413),
        ("Content-Length: 9223372036854775808", 413), ("Content-Length: 18446744073709551615", 413),
        ("Content-Length: 18446744073709551616", 413), ("content-length:  99999999999999999999999999 ", 413),
        ("Content-Length: 0000000000000000000000000000000x", 400), ("Content-Length: 99999999999999999999x", 400),
        ("Content-Length: -1", 400), ("Content-Length: +1", 400), ("Content-Length: 0x10", 400),
        ("Content-Length: 1 2", 400), ("Content-Length: 1, 1", 400), ("Content-Length:", 400),
        ("Content-Length: 1\r\nContent-Length: 1", 400),
    ])
    func aLengthIsSmallEnoughOrRefused(field: String, status: Int) async throws {
        try await TestServer.run { server async throws in
            let (head, body, connection) = try await Self.response(server, Self.post + field + "\r\n\r\n")
            #expect(head.status == status)
            #expect(try json(body)["error"]?["code"] == .integer(Int64(status)))
            #expect(head["connection"] == "close")
            await connection.waitForClose()
            #expect(try await server.send("GET", "/health").head.status == 200)
        }
    }

    /// The line with a chunk's size is refused before any byte of that chunk has come.
    @Test(arguments: [
        ("7FFFFFFFFFFFFFFF", 413), ("FFFFFFFFFFFFFFFF", 413), ("8000000000000000", 413), ("5F5E101", 413),
        ("0000000000000000000007fffffffffffffff", 413), ("10000000000000000", 413), ("-5", 400), ("+5", 400),
        ("0x5", 400), ("5 ", 400), ("", 400), ("g", 400), ("FFFFFFFFFFFFFFFF;a=b", 413),
        ("5;" + String(repeating: "a", count: 70_000), 400),
    ])
    func aChunksSizeIsSmallEnoughOrRefused(size: String, status: Int) async throws {
        try await TestServer.run { server async throws in
            let (head, body, connection) = try await Self.response(
                server, Self.post + "Transfer-Encoding: chunked\r\n\r\n" + size + "\r\n")
            #expect(head.status == status)
            #expect(try json(body)["error"]?["code"] == .integer(Int64(status)))
            #expect(head["connection"] == "close")
            await connection.waitForClose()
            #expect(try await server.send("GET", "/health").head.status == 200)
        }
    }

    @Test(arguments: ["10\r\n", "0000000000000000000000000000000010\r\n", "10;name=\"a b\"\r\n", "10;a;b=c\r\n"])
    func aChunkedBodyIsReadHoweverItComes(size: String) async throws {
        try await TestServer.run { server async throws in
            let text = Self.post + "Transfer-Encoding: chunked\r\n\r\n" + size + Self.body + "\r\n0\r\n\r\n"
            for parts in [[text], text.map { String($0) }] {
                let connection = try await server.connect()
                for part in parts { try await connection.send(part) }
                #expect(try await connection.readHead().status == 200)
                _ = try await connection.readBody()
                // Two more bytes in one piece.
                try await connection.send(text + text)
                for _ in 0..<2 {
                    #expect(try await connection.readHead().status == 200)
                    _ = try await connection.readBody()
                }
                try await connection.close()
            }
        }
    }

    @Test func aLargeLengthIsOneAlsoWhereItsDigitsComeInPieces() {
        let digits = Array("99999999999999999999".utf8)
        #expect(EdgeDecoder.endsInLargeLength(digits + Array("\r\n".utf8)))
        #expect(EdgeDecoder.endsInLargeLength(Array("Host: a\r\nCONTENT-LENGTH: ".utf8) + digits))
        #expect(!EdgeDecoder.endsInLargeLength(Array("Content-Length: 5x".utf8)))
        #expect(!EdgeDecoder.endsInLargeLength([]))
    }

    /// The body is not read, and the rest of it does not reset the connection.
    @Test func aBodyBeyondTheLimitGetsItsRefusal() async throws {
        try await TestServer.run {
            $0.limits.bodyBytes = 1_000
        } body: { server async throws in
            let large = String(repeating: " ", count: 4 << 20)
            for framing in [
                "Content-Length: \(large.utf8.count)\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n400000\r\n",
            ] {
                let (head, body, connection) = try await Self.response(server, Self.post + framing + large)
                #expect(head.status == 413)
                #expect(body.contains("at most 1000 bytes"))
                await connection.waitForClose()
            }
        }
    }

    @Test(arguments: [
        ("HTTP/1.1\r\nHost: localhost\r\nHost: localhost", 400),
        ("HTTP/1.1\r\nHost: localhost\r\nHost: evil.example", 400),
        ("HTTP/1.1", 400), ("HTTP/1.0", 200), ("HTTP/1.0\r\nHost: localhost", 200),
        ("HTTP/1.0\r\nHost: localhost\r\nHost: localhost", 400),
        ("HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked", 501),
        ("HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked", 501),
        ("HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: identity", 400),
        ("HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip", 400),
        ("HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, chunked", 400),
        ("HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, gzip", 400),
        ("HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked", 400),
    ])
    func aHeadSaysWhatHTTPDemands(rest: String, status: Int) async throws {
        try await TestServer.run { server async throws in
            let (head, body, connection) = try await Self.response(server, "GET /health \(rest)\r\n\r\n")
            #expect(head.status == status)
            guard status != 200 else { return try await connection.close() }
            // For the decoder, a coding after chunked is no HTTP.
            let says =
                rest.contains("chunked, ") ? "not valid HTTP" : rest.contains("Transfer") ? "'Transfer-" : "'Host'"
            #expect(body.contains(says))
            #expect(head["connection"] == "close")
            await connection.waitForClose()
        }
    }

    /// A faulty request after a running stream is refused when the stream has ended.
    @Test func aRefusedHeadWaitsForItsTurn() async throws {
        try await TestServer.run { server async throws in
            let (connection, _) = try await server.stream()
            try await connection.send("GET /health HTTP/1.1\r\n\r\n")
            let handle = await server.engine.request(0).handle
            server.engine.step([handle], text: "a")
            server.engine.finish(handle)
            #expect(try content(of: try await connection.readEvents()) == "a")
            #expect(try await connection.readHead().status == 400)
            await connection.waitForClose()
        }
    }

    // MARK: HTTP/1.0

    @Test(arguments: ["", "Connection: keep-alive\r\n"])
    func aResponseToAnOldClientEndsWithItsConnection(field: String) async throws {
        try await TestServer.run { server async throws in
            let (head, body, connection) = try await Self.response(server, "GET /health HTTP/1.0\r\n\(field)\r\n")
            #expect(head.status == 200 && head["connection"] == "close" && head["transfer-encoding"] == nil)
            #expect(body == #"{"status":"ok"}"#)
            await connection.waitForClose()
        }
    }

    @Test func anOldClientGetsAStreamWithoutChunks() async throws {
        try await TestServer.run { server async throws in
            let connection = try await server.connect()
            let body = chat(stream: true)
            try await connection.send(
                "POST /v1/chat/completions HTTP/1.0\r\nContent-Length: \(body.utf8.count)\r\nExpect: 100-continue\r\n\r\n\(body)"
            )
            let head = try await connection.readHead()
            #expect(head.status == 200 && head["connection"] == "close")
            #expect(head["transfer-encoding"] == nil && head["content-length"] == nil)
            let handle = await server.engine.request(0).handle
            for text in ["a", "b", "c"] { server.engine.step([handle], text: text) }
            server.engine.finish(handle)
            let events = try await connection.readEvents()
            #expect(try content(of: events) == "abc")
            #expect(events.last == "data: [DONE]")
            await connection.waitForClose()
        }
    }

    @Test(arguments: ["close", "Close", "keep-alive, close"])
    func connectionCloseIsHonoured(value: String) async throws {
        try await TestServer.run { server async throws in
            let (head, _, connection) = try await Self.response(
                server, "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: \(value)\r\n\r\n")
            #expect(head.status == 200 && head["connection"] == "close")
            await connection.waitForClose()
        }
    }

    // MARK: 100 Continue

    @Test func aWaitingClientGetsContinueWhenItsBodyIsRead() async throws {
        try await TestServer.run(script: .complete(["hi"])) { server async throws in
            let connection = try await server.connect()
            let body = chat(stream: false)
            try await connection.send(
                "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nExpect: 100-Continue\r\nContent-Length: "
                    + "\(body.utf8.count)\r\n\r\n")
            #expect(try await connection.readHead().status == 100)
            try await connection.send(body)
            #expect(try await connection.readHead().status == 200)
            _ = try await connection.readBody()
            // The connection persists.
            try await connection.send("GET", "/health")
            #expect(try await connection.readHead().status == 200)
            try await connection.close()
        }
    }

    @Test(arguments: [
        ("POST /nothing", "Content-Length: 10", 404), ("PUT /tokenize", "Content-Length: 10", 405),
        ("POST /tokenize", "Content-Length: 9223372036854775808", 413), ("POST /props", "Content-Length: 2", 400),
        ("POST /tokenize", "Content-Length: 10\r\nContent-Encoding: br", 415),
        ("POST /tokenize", "Content-Length: 10\r\nOrigin: http://evil.example", 403),
        ("GET /health", "Content-Length: 10", 200),
    ])
    func aClientThatWaitsGetsTheFinalStatusInstead(line: String, fields: String, status: Int) async throws {
        try await TestServer.run { server async throws in
            let (head, _, connection) = try await Self.response(
                server, "\(line) HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\(fields)\r\n\r\n")
            #expect(head.status == status)
            // The client may still send the body, or not.
            #expect(head["connection"] == "close")
            await connection.waitForClose()
        }
    }

    @Test func aClientWithoutAKeyIsRefusedBeforeItSendsItsBody() async throws {
        try await TestServer.run {
            $0.apiKeys = ["one"]
        } body: { server async throws in
            let (head, _, _) = try await Self.response(
                server, Self.post + "Expect: 100-continue\r\nContent-Length: 10\r\n\r\n")
            #expect(head.status == 401)
        }
    }
}
