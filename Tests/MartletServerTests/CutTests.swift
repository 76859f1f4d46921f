import MartletJSON
import MartletTestSupport
import Testing

/// A connection is cut after every byte of a response, and what was lost is asked for again: nothing is missing, nothing
/// comes twice.
@Suite struct CutTests {
    private static let tokens = ["a\"", "😀"]
    private static let paths = ["/v1/chat/completions", "/v1/completions"]

    private static func body(of path: String, stream: Bool = true) -> String {
        path == "/v1/completions"
            ? #"{"prompt":"x","stream":\#(stream),"stream_options":{"include_usage":true}}"#
            : chat(stream: stream, #","stream_options":{"include_usage":true}"#)
    }

    /// What arrives of a response's body, however it ends.
    private static func receive(
        port: Int, _ method: String, _ path: String, headers: [(String, String)] = [], body: String? = nil
    ) async throws -> [UInt8] {
        let connection = try await RawConnection.connect(port: port)
        var bytes: [UInt8] = []
        do {
            try await connection.send(method, path, headers: headers, body: body)
            _ = try await connection.readHead()
            while let part = try await connection.readBodyPart() { bytes += part }
        } catch is RawConnectionError {}
        try? await connection.close()
        return bytes
    }

    /// Calls `body` with every count from 0 on until it says that nothing was cut. Some at a time.
    private static func everyCut(_ body: @escaping @Sendable (Int) async throws -> Bool) async throws {
        var next = 0
        while true {
            let isAllCut = try await withThrowingTaskGroup(of: Bool.self) { group in
                for count in next..<(next + 32) { group.addTask { try await body(count) } }
                return try await group.reduce(true) { $0 && $1 }
            }
            if !isAllCut { return }
            next += 32
        }
    }

    @Test(arguments: paths) func byByteFromTheFirstResponseOn(path: String) async throws {
        try await TestServer.run(script: .answer(Self.tokens)) { server async throws in
            try await Self.everyCut { count in
                let label = ("X-Conversation-Id", "c\(count)")
                var first: [UInt8] = []
                try await CuttingProxy.run(to: server.port, cuttingAfter: count) { proxy in
                    first = try await Self.receive(
                        port: proxy.port, "POST", path, headers: [label], body: Self.body(of: path))
                }
                let rest = try await Self.receive(
                    port: server.port, "GET", "/v1/stream?conv_id=c\(count)&from=\(first.count)")
                let whole = try await Self.receive(port: server.port, "GET", "/v1/stream?conv_id=c\(count)")
                #expect(first + rest == whole, "cut after \(count) bytes")
                #expect(String(decoding: whole, as: UTF8.self).hasSuffix("data: [DONE]\n\n"))
                return !rest.isEmpty
            }
        }
    }

    @Test(arguments: paths) func byEvent(path: String) async throws {
        try await TestServer.run(script: .answer(Self.tokens)) { server async throws in
            let (connection, head) = try await server.open([("X-Stream-Resume", "1")], Self.body(of: path), path: path)
            _ = try await connection.readBody()
            let target = "/v1/generations/\(try #require(head["x-generation-id"]))/events"
            let whole = try await server.send("GET", target).body.parts
            try await Self.everyCut { count in
                var first: [UInt8] = []
                try await CuttingProxy.run(to: server.port, cuttingAfter: count) { proxy in
                    first = try await Self.receive(port: proxy.port, "GET", target)
                }
                // As a browser does it: what is not complete is thrown away.
                let seen = String(decoding: first, as: UTF8.self).parts.dropLast()
                let last = seen.compactMap { ResumeTests.identifier(of: $0) }.last
                let rest = try await Self.receive(
                    port: server.port, "GET", target, headers: last.map { [("Last-Event-ID", $0)] } ?? [])
                let joined = seen + String(decoding: rest, as: UTF8.self).parts
                #expect(Array(joined) == whole, "cut after \(count) bytes")
                return !rest.isEmpty
            }
        }
    }

    @Test(arguments: paths) func whatDoesNotStreamIsFetchedLater(path: String) async throws {
        try await TestServer.run(script: .answer(Self.tokens)) { server async throws in
            try await Self.everyCut { count in
                let label = "c\(count)"
                var first: [UInt8] = []
                try await CuttingProxy.run(to: server.port, cuttingAfter: count) { proxy in
                    first = try await Self.receive(
                        port: proxy.port, "POST", path, headers: [("X-Conversation-Id", label)],
                        body: Self.body(of: path, stream: false))
                }
                let list = try json(try await server.send("GET", "/v1/generations?label=\(label)").body)
                let id = try #require(list["data"]?.arrayValue?.first?["id"]?.stringValue)
                let whole = try await Self.receive(port: server.port, "GET", "/v1/generations/\(id)/result?wait=10")
                #expect(whole.starts(with: first), "cut after \(count) bytes")
                return first.count < whole.count
            }
        }
    }
}

extension String {
    /// What stands between empty lines; the last one is what comes after the last of them.
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
