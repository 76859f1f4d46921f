import MartletJSON
import MartletPool
import MartletTestSupport
import Testing

/// `GET /models/sse`.
@Suite struct PoolEventTests {
    /// Reads one event with its id.
    private static func event(_ connection: RawConnection) async throws -> (id: String, json: JSONValue) {
        while true {
            let lines = try #require(try await connection.readEvent()).split(separator: "\n")
            guard lines.count == 2, lines[0].hasPrefix("id: "), lines[1].hasPrefix("data: ") else { continue }
            return (String(lines[0].dropFirst(4)), try json(String(lines[1].dropFirst(6))))
        }
    }

    private static func open(_ server: PoolServer, after id: String? = nil) async throws -> RawConnection {
        let connection = try await server.connect()
        try await connection.send("GET", "/models/sse", headers: id.map { [("Last-Event-ID", $0)] } ?? [])
        let head = try await connection.readHead()
        #expect(head.status == 200 && head["content-type"] == "text/event-stream")
        return connection
    }

    @Test func theFirstEventIsASnapshotAndChangesFollow() async throws {
        try await PoolServer.run { server async throws in
            let reader = try await Self.open(server)
            let snapshot = try await Self.event(reader).json
            #expect(snapshot["model"] == "*" && snapshot["event"] == "snapshot")
            #expect(snapshot["data"]?["models"]?.arrayValue?.map { $0["id"] } == ["a", "b", "c"])
            #expect(try await server.chat("a").text == "a")
            var statuses: [String] = []
            var fraction = 0.0
            while statuses.last != "ready" {
                let change = try await Self.event(reader).json
                #expect(change["event"] == "status_change" && change["model"] == "a")
                let data = change["data"]
                if let next = data?["fraction"]?.doubleValue {
                    #expect(next >= fraction)
                    fraction = next
                }
                statuses.append(data?["phase"]?.stringValue ?? "")
                if statuses.last == "ready" { #expect(data?["info"]?["id"] == "a" && data?["status"] == "loaded") }
            }
            #expect(statuses.first == "loading")
        }
    }

    @Test func aReaderContinuesBehindTheEventThatItHas() async throws {
        try await PoolServer.run { server async throws in
            let first = try await Self.open(server)
            let (id, _) = try await Self.event(first)
            try await first.close()
            #expect(try await server.chat("a").text == "a")
            let second = try await Self.open(server, after: id)
            #expect(try await Self.event(second).json["event"] == "status_change")
            // An id of another process gets a snapshot.
            let third = try await Self.open(server, after: "0-1")
            #expect(try await Self.event(third).json["event"] == "snapshot")
        }
    }

    @Test func aReaderThatDoesNotReadDelaysNoOther() async throws {
        try await PoolServer.run(room: 3) { server async throws in
            let slow = try await server.connect(receiveBufferBytes: 1_024)
            try await slow.send("GET", "/models/sse")
            let quick = try await Self.open(server)
            #expect(try await Self.event(quick).json["event"] == "snapshot")
            for _ in 0..<3_000 { server.pool.events.append(.reloaded) }
            server.pool.events.append(.removed(model: "last"))
            var isLast = false
            while !isLast {
                let event = try await Self.event(quick).json
                isLast =
                    event["model"] == "last"
                    // The quick reader may have missed events, too; its snapshot stands for them.
                    || event["event"] == "snapshot"
            }
        }
    }
}
