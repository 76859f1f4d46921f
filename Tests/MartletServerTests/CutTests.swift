import MartletJSON
import MartletProtocol
import MartletTestSupport
import NIOCore
import Testing

/// A connection is cut after every byte of a response, and the client requests the rest: no byte is missing, and none
/// comes twice.
@Suite(.timeLimit(.minutes(15))) struct CutTests {
    /// The recorded output: characters that JSON escapes, and characters of several bytes, cut at every position.
    private static let tokens = ["a\"😀"]
    private static let paths = ["/v1/chat/completions", "/v1/completions", "/completion"]

    private static let otherPaths = ["/v1/messages", "/v1/responses", "/api/chat", "/api/generate"]

    private static func body(of path: String, stream: Bool = true) -> String {
        let messages = #""messages":[{"role":"user","content":"x"}]"#
        return switch path {
        case "/v1/chat/completions": chat(stream: stream)
        case "/v1/messages": #"{\#(messages),"max_tokens":50,"stream":\#(stream)}"#
        case "/v1/responses": #"{"input":"x","stream":\#(stream)}"#
        case "/api/chat": #"{\#(messages),"stream":\#(stream)}"#
        default: #"{"prompt":"x","stream":\#(stream)}"#
        }
    }

    /// The bytes of a response that arrive, however the response ends.
    private struct Response {
        var head: RawResponseHead?
        var body: [UInt8] = []
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    private static func receive(
        port: Int, _ method: String, _ path: String, headers: [(String, String)] = [], body: String? = nil
    ) async throws -> Response {
        let connection = try await RawConnection.connect(port: port)
        var response = Response()
        do {
            try await connection.send(method, path, headers: headers, body: body)
            response.head = try await connection.readHead()
            while let part = try await connection.readBodyPart() { response.body += part }
        } catch is RawConnectionError {}
        // The proxy may have closed the connection already.
        do { try await connection.close() } catch ChannelError.alreadyClosed {}
        return response
    }

    /// The bytes through a proxy that cuts after a number of bytes; nil if the response was shorter.
    private static func receive(
        cutAfter count: Int, port: Int, _ method: String, _ path: String, headers: [(String, String)] = [],
        body: String? = nil
    ) async throws -> Response? {
        try await CuttingProxy.run(to: port, cuttingAfter: count) { proxy in
            let response = try await receive(port: proxy.port, method, path, headers: headers, body: body)
            return proxy.cutCount > 0 ? response : nil
        }
    }

    /// Calls `body` with every count from 0 on, several at a time, until it returns that nothing was cut.
    /// - Parameter step: the difference of two counts.
    /// - Returns: the number of cuts.
    private static func everyCut(
        by step: Int = 1, _ body: @escaping @Sendable (Int) async throws -> Bool
    ) async throws -> Int {
        var next = 0
        while true {
            let cuts = try await withThrowingTaskGroup(of: Bool.self) { group in
                for count in next..<(next + 16) { group.addTask { try await body(count * step) } }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            next += 16
            if cuts < 16 { return next - 16 + cuts }
        }
    }

    @Test(arguments: paths) func byByteFromTheFirstResponseOn(path: String) async throws {
        #expect(try await Self.cutByByte(path) > 500)
    }

    /// `DialectStreamTests` cuts the streams of all dialects at every byte; here some of the cuts have connections.
    @Test(arguments: otherPaths) func byByteInOtherDialects(path: String) async throws {
        #expect(try await Self.cutByByte(path, step: 29) > 10)
    }

    /// - Returns: the number of cuts.
    private static func cutByByte(_ path: String, step: Int = 1) async throws -> Int {
        var count = 0
        try await TestServer.run(script: .complete(Self.tokens)) { server async throws in
            count = try await Self.everyCut(by: step) { count in
                let first = try await Self.receive(
                    cutAfter: count, port: server.port, "POST", path, headers: [("X-Conversation-Id", "c\(count)")],
                    body: Self.body(of: path))
                guard let first else { return false }
                let target = "/v1/stream?conv_id=c\(count)"
                let rest = try await Self.receive(
                    port: server.port, "GET", target + "&from=\(first.body.count)")
                let whole = try await Self.receive(port: server.port, "GET", target)
                #expect(whole.head?.status == 200 && rest.head?.status == 200, "cut after \(count) bytes")
                #expect(first.body + rest.body == whole.body, "cut after \(count) bytes")
                #expect(whole.text.contains("😀") && whole.text.hasSuffix(path.hasPrefix("/api") ? "\n" : "\n\n"))
                return true
            }
        }
        return count
    }

    @Test(arguments: paths) func byEvent(path: String) async throws {
        try await TestServer.run(script: .complete(Self.tokens)) { server async throws in
            let resume = [("X-Stream-Resume", "1")]
            let begun = try await Self.receive(
                port: server.port, "POST", path, headers: resume, body: Self.body(of: path))
            let id = try #require(begun.head?["x-generation-id"])
            let target = "/v1/generations/\(id)/events"
            let whole = try await Self.receive(port: server.port, "GET", target).text.parts
            #expect(ResumeTests.data(of: whole) == begun.text.parts)
            let cuts = try await Self.everyCut { count in
                guard let first = try await Self.receive(cutAfter: count, port: server.port, "GET", target) else {
                    return false
                }
                // As in a browser: an incomplete event is discarded.
                let seen = Array(first.text.parts.dropLast())
                let last = seen.compactMap { ResumeTests.identifier(of: $0) }.last
                let rest = try await Self.receive(
                    port: server.port, "GET", target, headers: last.map { [("Last-Event-ID", $0)] } ?? [])
                // After the last event no byte follows.
                let isOver = seen.count + 1 == whole.count
                #expect(rest.head?.status == (isOver ? 204 : 200), "cut after \(count) bytes")
                #expect(seen + rest.text.parts == whole, "cut after \(count) bytes")
                return true
            }
            #expect(cuts > 500)
        }
    }

    @Test(arguments: paths) func responsesThatDoNotStreamAreFetchedLater(path: String) async throws {
        try await TestServer.run(script: .complete(Self.tokens)) { server async throws in
            let cuts = try await Self.everyCut { count in
                let label = "c\(count)"
                let first = try await Self.receive(
                    cutAfter: count, port: server.port, "POST", path, headers: [("X-Conversation-Id", label)],
                    body: Self.body(of: path, stream: false))
                guard let first else { return false }
                let list = try json(try await server.send("GET", "/v1/generations?label=\(label)").body)
                let id = try #require(list["data"]?.arrayValue?.first?["id"]?.stringValue)
                let whole = try await Self.receive(port: server.port, "GET", "/v1/generations/\(id)/result?wait=10")
                #expect(whole.head?.status == 200)
                #expect(whole.body.starts(with: first.body), "cut after \(count) bytes")
                #expect(whole.text.contains("😀"))
                return true
            }
            #expect(cuts > 300)
        }
    }

    /// The generation continues while its reader is cut off and reconnects, again and again.
    @Test(arguments: paths) func aReaderThatIsCutOffAgainAndAgainHasEverything(path: String) async throws {
        try await TestServer.run { server async throws in
            for step in [3, 17, 64] {
                let label = "s\(step)"
                let (connection, _) = try await server.open(
                    [("X-Conversation-Id", label)], Self.body(of: path), path: path)
                let handle = try #require(server.engine.requests.last?.handle)
                try await connection.reset()
                async let fed: Void = {
                    for index in 0..<10 {
                        server.engine.step([handle], text: "t\(index) ")
                        await Task.yield()
                    }
                    server.engine.finish(handle)
                }()
                var bytes: [UInt8] = []
                // The head counts, too: an attempt may yield nothing, and a later one gets further.
                var limit = 200
                while true {
                    limit += step
                    let part = try await Self.receive(
                        cutAfter: limit, port: server.port, "GET", "/v1/stream?conv_id=\(label)&from=\(bytes.count)")
                    guard let part else { break }
                    bytes += part.body
                }
                await fed
                let whole = try await Self.receive(port: server.port, "GET", "/v1/stream?conv_id=\(label)")
                let rest = try await Self.receive(
                    port: server.port, "GET", "/v1/stream?conv_id=\(label)&from=\(bytes.count)")
                #expect(bytes + rest.body == whole.body)
                #expect((0..<10).allSatisfy { whole.text.contains("t\($0) ") })
            }
        }
    }
}

extension String {
    /// The texts between empty lines; the last element is the text after the last empty line.
    fileprivate var parts: [String] {
        var parts: [String] = []
        var rest = self[...]
        while let end = rest.firstRange(of: "\n\n") {
            parts.append(String(rest[..<end.lowerBound]))
            rest = rest[end.upperBound...]
        }
        return parts + [String(rest)]
    }
}
