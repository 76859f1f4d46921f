import MartletJSON
import MartletProtocol
import MartletServer
import MartletTestSupport
import Testing

/// Generations and control commands over a WebSocket.
@Suite struct RealtimeTests {
    private struct Client {
        let connection: RawConnection

        init(_ server: TestServer, headers: [(String, String)] = []) async throws {
            connection = try await server.connect()
            #expect(try await connection.upgrade("/v1/realtime", headers: headers).status == 101)
        }

        func send(_ message: String) async throws { try await connection.sendMessage(message) }

        func read() async throws -> JSONValue { try json(await connection.readMessage()) }

        /// The next message of this type; other messages are skipped.
        func read(_ type: String) async throws -> JSONValue {
            while true {
                let message = try await read()
                if message["type"]?.stringValue == type { return message }
            }
        }

        /// Begins a generation and returns its id.
        func generate(_ name: String, _ more: String = "") async throws -> String {
            try await send(
                #"{"type":"generate","id":"\#(name)"\#(more),"request":{"messages":[{"role":"user","content":"hi"}]}}"#)
            let reply = try await read("ack")
            #expect(reply["name"]?.stringValue == name)
            return try #require(reply["id"]?.stringValue)
        }

        /// Events of one generation up to its last one.
        func events(of id: String) async throws -> [JSONValue] {
            var events: [JSONValue] = []
            while true {
                let message = try await read()
                guard message["type"] == "event", message["id"]?.stringValue == id else { continue }
                events.append(message)
                if ["finished", "failed", "handover"].contains(message["kind"]?.stringValue) { return events }
            }
        }
    }

    private func text(_ events: [JSONValue]) -> String {
        events.compactMap { $0["kind"] == "text" ? $0["text"]?.stringValue : nil }.joined()
    }

    @Test func aGenerationShowsItsLog() async throws {
        try await TestServer.run { server async throws in
            let client = try await Client(server)
            let id = try await client.generate("one")
            let handle = await server.engine.request(0).handle
            server.engine.step([handle], token: 7, text: "a\"")
            server.engine.finish(handle)
            let events = try await client.events(of: id)
            #expect(events.map { $0["kind"]?.stringValue } == ["admitted", "started", "text", "finished"])
            #expect(events.map { $0["event"]?.integerValue } == [0, 1, 2, 3])
            #expect(events[2]["text"] == "a\"")
            #expect(events[2]["channel"] == "content")
            #expect(events[2]["token"] == 7)
            #expect(events[3]["finish_reason"] == "stop")
            // The same generation over HTTP.
            let (head, body) = try await server.send("GET", "/v1/generations/\(id)/result")
            #expect(head.status == 200)
            #expect(body.contains(#""content":"a\"""#))
        }
    }

    @Test func manyGenerationsShareOneWebSocket() async throws {
        try await TestServer.run { server async throws in
            let client = try await Client(server)
            var ids: [String] = []
            for number in 0..<20 { ids.append(try await client.generate("g\(number)")) }
            for round in 0..<5 {
                for (index, request) in server.engine.requests.enumerated() {
                    server.engine.step([request.handle], text: "\(index):\(round) ")
                }
            }
            for request in server.engine.requests { server.engine.finish(request.handle) }
            var texts: [String: String] = [:]
            var ended = 0
            while ended < 20 {
                let event = try await client.read("event")
                let id = try #require(event["id"]?.stringValue)
                if event["kind"] == "text" { texts[id, default: ""] += event["text"]?.stringValue ?? "" }
                if event["kind"] == "finished" { ended += 1 }
            }
            for (index, id) in ids.enumerated() {
                #expect(texts[id] == (0..<5).map { "\(index):\($0) " }.joined())
            }
        }
    }

    @Test func closingOnlyDetaches() async throws {
        try await TestServer.run { server async throws in
            let client = try await Client(server)
            let id = try await client.generate("one", #","conversation_id":"talk""#)
            let handle = await server.engine.request(0).handle
            server.engine.step([handle], text: "a")
            while try await client.read("event")["kind"] != "text" {}
            try await client.connection.reset()
            server.engine.step([handle], text: "b")
            #expect(server.engine.cancelled.isEmpty)

            let second = try await Client(server)
            try await second.send(#"{"type":"attach","conversation_id":"talk","from_event":2}"#)
            let reply = try await second.read("ack")
            #expect(reply["id"]?.stringValue == id)
            #expect(reply["generation"]?["state"] == "running")
            server.engine.step([handle], text: "c")
            server.engine.finish(handle)
            let events = try await second.events(of: id)
            #expect(events.first?["event"] == 2)
            #expect(text(events) == "abc")
        }
    }

    /// A client that has every event may name the next one, which does not exist yet.
    @Test func theNextEventCanBeRequested() async throws {
        try await TestServer.run { server async throws in
            let client = try await Client(server)
            let id = try await client.generate("one")
            let handle = await server.engine.request(0).handle
            server.engine.step([handle], text: "a")
            var event = try await client.read("event")
            while event["kind"] != "text" { event = try await client.read("event") }
            let next = try #require(event["event"]?.integerValue) + 1
            let second = try await Client(server)
            try await second.send(#"{"type":"attach","id":"\#(id)","from_event":\#(next + 1)}"#)
            #expect(try await second.read("error")["error"]?["message"]?.stringValue?.contains("<= \(next)") == true)
            try await second.send(#"{"type":"attach","id":"\#(id)","from_event":\#(next)}"#)
            _ = try await second.read("ack")
            server.engine.step([handle], text: "b")
            server.engine.finish(handle)
            let events = try await second.events(of: id)
            #expect(events.first?["event"]?.integerValue == next)
            #expect(text(events) == "b")
        }
    }

    @Test func aGenerationOfHTTPCanBeAttachedAndDetached() async throws {
        try await TestServer.run { server async throws in
            let (connection, head) = try await server.open([("X-Stream-Resume", "1")])
            let id = try #require(head["x-generation-id"])
            let handle = await server.engine.request(0).handle
            let client = try await Client(server)
            try await client.send(#"{"type":"attach","id":"\#(id)","request_id":"r1"}"#)
            #expect(try await client.read("ack")["request_id"] == "r1")
            try await client.send(#"{"type":"attach","id":"\#(id)"}"#)
            #expect(try await client.read("error")["error"]?["reason"] == "already_attached")
            try await client.send(#"{"type":"detach","id":"\#(id)"}"#)
            #expect(try await client.read("ack")["of"] == "detach")
            server.engine.step([handle], text: "a")
            try await client.send(#"{"type":"detach","id":"\#(id)"}"#)
            // No further event of the log arrives.
            let reply = try await client.read()
            #expect(reply["error"]?["reason"] == "not_attached")
            server.engine.finish(handle)
            _ = try await connection.readEvents()
            try await client.send(#"{"type":"attach","id":"\#(id)"}"#)
            #expect(text(try await client.events(of: id)) == "a")
        }
    }

    @Test func commandsAreAcknowledgedInTheSequenceOfTheirEffect() async throws {
        try await TestServer.run { server async throws in
            let client = try await Client(server)
            let id = try await client.generate("one")
            let handle = await server.engine.request(0).handle
            for number in 0..<100 {
                try await client.send(
                    #"{"type":"control","id":"one","action":"set","changes":{"temperature":0.5},"request_id":"\#(number)"}"#
                )
            }
            let commands = await {
                _ = await server.engine.command(99); return server.engine.commands
            }()
            #expect(commands.map(\.number.rawValue) == commands.map(\.number.rawValue).sorted())
            server.engine.step([handle], text: "a")
            for (index, command) in commands.enumerated() {
                server.engine.send([EngineEvent(handle, .controlled(command.number, .applied(.paused, token: index)))])
            }
            var events: [Int64] = []
            for number in 0..<100 {
                let reply = try await client.read("ack")
                #expect(reply["request_id"]?.stringValue == "\(number)")
                #expect(reply["at_token"]?.integerValue == Int64(number))
                #expect(reply["id"]?.stringValue == id)
                events.append(try #require(reply["event"]?.integerValue))
            }
            #expect(events == events.sorted())
        }
    }

    @Test func aWaitingCommandDelaysNothing() async throws {
        try await TestServer.run { server async throws in
            let client = try await Client(server)
            _ = try await client.generate("one")
            try await client.send(#"{"type":"control","id":"one","action":"pause","request_id":"p"}"#)
            let command = await server.engine.command(0)
            try await client.send(#"{"type":"ping"}"#)
            _ = try await client.read("pong")
            server.engine.send([EngineEvent(command.handle, .controlled(command.number, .refused(.alreadyPaused)))])
            let reply = try await client.read("error")
            #expect(reply["request_id"] == "p")
            #expect(reply["error"]?["reason"] == "already_paused")
        }
    }

    @Test(arguments: [
        ("[1]", "object"), ("nonsense", "JSON"),
        (#"{"type":"explode"}"#, "generate, attach, credit, control, detach, ping"),
        ("{}", "type"), (#"{"type":7}"#, "type"), (#"{"type":"generate"}"#, "'id'"),
        (#"{"type":"generate","id":""}"#, "'id'"), (#"{"type":"generate","id":"x"}"#, "'request'"),
        (#"{"type":"generate","id":"x","request":{"messages":[],"stream":false}}"#, "request.stream"),
        (#"{"type":"generate","id":"x","request":{"messages":7}}"#, "messages"),
        (#"{"type":"generate","id":"x","conversation_id":"","request":{"messages":[]}}"#, "conversation_id"),
        (#"{"type":"attach"}"#, "'id'"), (#"{"type":"attach","id":"chatcmpl-0"}"#, "not found"),
        (#"{"type":"attach","id":"x","from_event":-1}"#, "from_event"), (#"{"type":"detach"}"#, "'id'"),
        (#"{"type":"attach","id":"x","until_event":-1}"#, "until_event"),
        (#"{"type":"credit","id":"x"}"#, "until_event"), (#"{"type":"credit","until_event":3}"#, "'id'"),
        (#"{"type":"control","id":"x"}"#, "not found"), (#"{"type":"ping","request_id":7}"#, "request_id"),
    ])
    func badMessagesAreRefusedAndTheWebSocketStaysOpen(message: String, word: String) async throws {
        try await TestServer.run { server async throws in
            let client = try await Client(server)
            try await client.send(message)
            let reply = try await client.read()
            #expect(reply["type"] == "error")
            #expect(reply["error"]?["message"]?.stringValue?.contains(word) == true, "\(reply.text)")
            try await client.send(#"{"type":"ping"}"#)
            #expect(try await client.read()["type"] == "pong")
            #expect(server.engine.requests.isEmpty)
        }
    }

    @Test func badCommandsAndPositionsAreRefusedByName() async throws {
        try await TestServer.run { server async throws in
            let client = try await Client(server)
            _ = try await client.generate("one")
            for (message, word) in [
                (#"{"type":"generate","id":"one","request":{"messages":[{"role":"user","content":"x"}]}}"#, "one"),
                (#"{"type":"control","id":"one"}"#, "action"),
                (#"{"type":"control","id":"one","action":"explode"}"#, "reasoning_end, stop, pause"),
                (#"{"type":"attach","id":"one","from_event":99}"#, "from_event"),
                (#"{"type":"credit","id":"one","until_event":-1}"#, "until_event"),
            ] {
                try await client.send(message)
                let reply = try await client.read("error")
                #expect(reply["error"]?["message"]?.stringValue?.contains(word) == true, "\(reply.text)")
            }
            #expect(server.engine.requests.count == 1)
            #expect(server.engine.commands.isEmpty)
        }
    }

    @Test func generationsOfOthersAreNotFound() async throws {
        try await TestServer.run {
            $0.apiKeys = ["one", "two"]
        } body: { server async throws in
            let client = try await Client(server, headers: [("X-Api-Key", "one")])
            let id = try await client.generate("mine")
            let other = try await Client(server, headers: [("X-Api-Key", "two")])
            for message in [
                #"{"type":"attach","id":"\#(id)"}"#, #"{"type":"control","id":"\#(id)","action":"stop"}"#,
                #"{"type":"detach","id":"\#(id)"}"#,
            ] {
                try await other.send(message)
                #expect(try await other.read()["error"]?["code"] == 404)
            }
        }
    }

    @Test func aRefusalOfTheEngineIsTheLastEvent() async throws {
        try await TestServer.run(script: .refuse(EngineError(.contextExceeded, "too long"))) { server async throws in
            let client = try await Client(server)
            let id = try await client.generate("one")
            let events = try await client.events(of: id)
            #expect(events.count == 1)
            #expect(events[0]["error"]?["message"] == "too long")
        }
    }

    @Test func aClientThatDoesNotReadDelaysNoOther() async throws {
        try await TestServer.run { server async throws in
            let slow = try await Client(server)
            let id = try await slow.generate("one")
            let handle = await server.engine.request(0).handle
            try await slow.connection.stopReading()
            let quick = try await Client(server)
            try await quick.send(#"{"type":"attach","id":"\#(id)"}"#)
            let part = String(repeating: "x", count: 100_000)
            for _ in 0..<200 { server.engine.step([handle], text: part) }
            server.engine.finish(handle)
            #expect(text(try await quick.events(of: id)).utf8.count == 20_000_000)
            try await slow.connection.startReading()
            #expect(text(try await slow.events(of: id)).utf8.count == 20_000_000)
        }
    }

    @Test func oneStalledReaderDelaysNoOther() async throws {
        try await TestServer.run { server async throws in
            let client = try await Client(server)
            var seen: [JSONValue] = []
            /// - Returns: the first message that matches.
            func readUntil(upTo wanted: (JSONValue) -> Bool) async throws -> JSONValue {
                while true {
                    let message = try await client.read()
                    if message["type"] == "event" { seen.append(message) }
                    if wanted(message) { return message }
                }
            }
            func generate(_ name: String, _ more: String = "") async throws -> String {
                try await client.send(
                    #"{"type":"generate","id":"\#(name)"\#(more),"request":{"messages":[{"role":"user","content":"a"}]}}"#
                )
                return try #require(try await readUntil { $0["type"] == "ack" }["id"]?.stringValue)
            }
            let stalled = try await generate("stalled", #","until_event":3"#)
            let other = try await generate("other")
            let (slow, quick) = (await server.engine.request(0).handle, await server.engine.request(1).handle)
            // Far more than the buffers of a connection.
            let part = String(repeating: "x", count: 100_000)
            for _ in 0..<200 { server.engine.step([slow, quick], text: part) }
            server.engine.finish(slow)
            server.engine.finish(quick)
            _ = try await readUntil { $0["id"]?.stringValue == other && $0["kind"] == "finished" }
            func numbers(of id: String) -> [Int64] {
                seen.compactMap { $0["id"]?.stringValue == id ? $0["event"]?.integerValue : nil }
            }
            #expect(numbers(of: other) == Array(0...202))
            #expect(numbers(of: stalled) == [0, 1, 2])
            // Credit is never reduced.
            for end in [10, 5] {
                try await client.send(#"{"type":"credit","id":"stalled","until_event":\#(end)}"#)
                _ = try await readUntil { $0["type"] == "ack" }
            }
            #expect(numbers(of: stalled) == Array(0..<10))
            try await client.send(#"{"type":"credit","id":"\#(stalled)","until_event":1000}"#)
            _ = try await readUntil { $0["type"] == "ack" }
            if seen.last?["kind"] != "finished" { _ = try await readUntil { $0["kind"] == "finished" } }
            #expect(numbers(of: stalled) == Array(0...202))
            try await client.send(#"{"type":"credit","id":"stalled","until_event":1001}"#)
            #expect(try await client.read()["error"]?["reason"] == "not_attached")
        }
    }

    @Test func shutdownReportsTheEndOfEachGenerationBeforeItCloses() async throws {
        try await TestServer.run {
            $0.closingTimeout = .seconds(20)
        } body: { server async throws in
            let client = try await Client(server)
            let id = try await client.generate("one")
            await server.edge.shutDown()
            let events = try await client.events(of: id)
            #expect(events.last?["kind"] == "failed")
            let frame = try await client.connection.readFrame()
            #expect(frame.closeCode == 1001)
            try await client.connection.sendFrame(0x8, frame.payload)
            await client.connection.waitForClose()
        }
    }
}
