import Foundation
import MartletJSON
import MartletProtocol
import MartletServer
import MartletStreams
import MartletTestSupport
import OrderedCollections
import Testing

/// Control commands across restarts and crashes.
extension RecoveryTests {
    private func sendCommand(
        _ server: TestServer, _ id: String, _ body: String
    ) async throws -> (status: Int, body: JSONValue) {
        let (head, text) = try await server.send("POST", "/v1/generations/\(id)/control", body: body)
        return (head.status, try json(text))
    }

    /// Sends a command that the engine applies.
    /// - Returns: the result that the client received.
    private func apply(
        _ body: String, _ applied: AppliedCommand, token: Int, _ server: TestServer, _ id: String
    ) async throws -> (status: Int, body: JSONValue) {
        let index = server.engine.commands.count
        async let reply = sendCommand(server, id, body)
        let command = await server.engine.command(index)
        server.engine.send([EngineEvent(command.handle, .controlled(command.number, .applied(applied, token: token)))])
        return try await reply
    }

    @Test func aCommandIsAppliedOnceOverRestartsAndTheEnd() async throws {
        let stop = #"{"action":"stop","reason":"enough","request_id":"once"}"#
        let inject = #"{"action":"inject","role":"user","content":"x","request_id":"twice"}"#
        var id = ""
        var replies: [JSONValue] = []
        func repeated(_ server: TestServer) async throws {
            let count = server.engine.commands.count
            for (index, body) in [stop, inject].prefix(replies.count).enumerated() {
                let again = try await sendCommand(server, id, body)
                #expect(again.status == 200)
                #expect(again.body == replies[index])
            }
            let other = try await sendCommand(server, id, #"{"action":"pause","request_id":"once"}"#)
            #expect(other.status == 409)
            #expect(other.body["error"]?["reason"] == "request_id_used")
            #expect(server.engine.commands.count == count)
        }
        try await run(.admit) { server in
            id = try await begin(server).id
            let handle = await server.engine.request(0).handle
            server.engine.send([EngineEvent(handle, token(0))])
            replies.append(try await apply(stop, .stopped(reason: "enough"), token: 1, server, id).body)
            replies.append(try await apply(inject, .injected(opensTurn: true, tokens: 0), token: 1, server, id).body)
            try await repeated(server)
        }
        try await run(.admit) { server in
            let handle = await server.engine.request(0).handle
            try await repeated(server)
            server.engine.finish(handle)
            try await repeated(server)
        }
        try await run(.hold) { server in try await repeated(server) }
    }

    /// Commands that need the client's request find it in the journal.
    @Test func turnsAndForksNeedNoRequestOfThisProcess() async throws {
        var (id, fork) = ("", "")
        let turn = #"{"action":"inject","role":"user","content":"and now?"}"#
        let hidden = EngineEvent.Kind.token(id: 9, text: [])
        func content(_ action: ControlAction) -> String? {
            guard case .inject(let injection) = action else { return nil }
            #expect(injection.opensTurn)
            return injection.content.pieces.map { if case .text(let text, _) = $0 { text } else { "" } }.joined()
        }
        func inject(at token: Int, _ server: TestServer, _ id: String) async throws {
            #expect(
                try await apply(turn, .injected(opensTurn: true, tokens: 1), token: token, server, id).status == 200)
        }
        var wanted: String?
        try await run(.admit) { server in
            id = try await begin(server).id
            let handle = await server.engine.request(0).handle
            server.engine.send([EngineEvent(handle, token(0))])
            try await inject(at: 1, server, id)
            server.engine.send([EngineEvent(handle, hidden)])
            wanted = content(await server.engine.command(0).action)
        }
        try await run(.admit) { server in
            let original = await server.engine.request(0)
            #expect(original.continuation == [0, 9])
            try await inject(at: 2, server, id)
            server.engine.send([EngineEvent(original.handle, hidden)])
            #expect(content(await server.engine.command(0).action) == wanted)
            #expect(wanted?.contains("and now?") == true)
            let name = id
            async let reply = sendCommand(server, name, #"{"action":"fork","changes":{"seed":5}}"#)
            let command = await server.engine.command(1)
            guard case .fork(let forks) = command.action, let handle = forks.first?.handle else {
                Issue.record("no fork")
                return
            }
            server.engine.send([
                EngineEvent(command.handle, .controlled(command.number, .applied(.forked([handle]), token: 3)))
            ])
            fork = try #require(try await reply.body["ids"]?.arrayValue?.first?.stringValue)
            let reported = [.admitted(promptTokens: 1), .started(slot: 1, cachedTokens: 1), token(0), hidden, hidden]
            server.engine.send((reported + [token(1)]).map { EngineEvent(handle, $0) })
        }
        // The fork continues, too, and accepts commands as its original does.
        try await run(.admit) { server in
            await server.engine.wait { $0.requests.count == 2 }
            let request = try #require(server.engine.requests.first { $0.parameters.sampling.seed == 5 })
            #expect(request.continuation == [0, 9, 9, 1])
            #expect(request.injections == [1..<2, 2..<3].map { InjectedTokens($0, opensTurn: true) })
            try await inject(at: 4, server, fork)
            server.engine.send([EngineEvent(request.handle, hidden), EngineEvent(request.handle, token(2))])
            server.engine.finish(request.handle)
            let (head, text) = try await server.send("GET", "/v1/generations/\(fork)/result")
            #expect(head.status == 200)
            #expect(text.contains(tokens[2]))
        }
    }

    @Test func aCommandAfterACrashComesBehindTheEventsThatReadersSaw() async throws {
        var id = ""
        var seen: [String] = []
        let crashed = StateFolder()
        try await run(.admit) { server in
            id = try await begin(server).id
            let handle = await server.engine.request(0).handle
            server.engine.send([EngineEvent(handle, token(0))])
            let reader = try await server.connect()
            try await reader.send("GET", "/v1/generations/\(id)/events")
            _ = try await reader.readHead()
            // A command that has a reply is durable; later events are not in the copy.
            _ = try await apply(#"{"action":"resume"}"#, .resumed, token: 1, server, id)
            try FileManager.default.copyItem(atPath: state.path, toPath: crashed.path)
            server.engine.send([EngineEvent(handle, token(1)), EngineEvent(handle, token(2))])
            while !(seen.last?.contains(tokens[2]) ?? false) { seen.append(try #require(try await reader.readEvent())) }
        }
        let name = id
        let last = try #require(seen.last.flatMap { ResumeTests.identifier(of: $0) })
        try await TestServer.run(script: .admit) { configuration in
            configuration.journal = JournalConfiguration(path: crashed.path)
        } body: { server in
            let request = await server.engine.request(0)
            #expect(request.continuation == [0])
            let reader = try await server.connect()
            try await reader.send("GET", "/v1/generations/\(id)/events", headers: [("Last-Event-ID", last)])
            _ = try await reader.readHead()
            async let reply = sendCommand(server, name, #"{"action":"pause"}"#)
            async let status = sendCommand(server, name, #"{"action":"status"}"#)
            // A status command makes no event.
            let command = await server.engine.command(0)
            #expect(command.action == .status)
            server.engine.send([EngineEvent(command.handle, .controlled(command.number, .status(GenerationReport())))])
            #expect(try await status.status == 200)
            for index in 1..<24 {
                let id = index < tokens.count ? token(index) : .token(id: Int32(index), text: [0x2E])
                if index < 17 { #expect(server.engine.commands.count == 1, "\(index)") }
                server.engine.send([EngineEvent(request.handle, id)])
            }
            let pause = await server.engine.command(1)
            server.engine.send([
                EngineEvent(pause.handle, .controlled(pause.number, .applied(.paused, token: 24)))
            ])
            #expect(try await reply.status == 200)
            server.engine.finish(request.handle)
            let data = (seen + (try await reader.readEvents())).compactMap { event in
                event.split(separator: "\n").first { $0.hasPrefix("data: ") }.map { String($0) }
            }
            #expect(try content(of: data) == tokens.joined() + String(repeating: ".", count: 20))
            #expect(data.count { $0 == "data: [DONE]" } == 1)
        }
    }

    @Test func aReaderThatSawMoreThanThereIsGetsTheEnd() async throws {
        var id = ""
        let crashed = StateFolder()
        try await run(.admit) { server in
            id = try await begin(server, [("X-Conversation-Id", "talk")]).id
            let handle = await server.engine.request(0).handle
            server.engine.send([EngineEvent(handle, token(0))])
            _ = try await apply(#"{"action":"resume"}"#, .resumed, token: 1, server, id)
            try FileManager.default.copyItem(atPath: state.path, toPath: crashed.path)
        }
        try await TestServer.run(script: .admit) { configuration in
            configuration.journal = JournalConfiguration(path: crashed.path)
        } body: { server in
            let handle = await server.engine.request(0).handle
            // Events 0 to 3 exist: the generation ends before the events that readers saw after them exist again.
            server.engine.finish(handle, .cancelled)
            for last in 4..<12 {
                let reader = try await server.connect()
                try await reader.send(
                    "GET", "/v1/generations/\(id)/events", headers: [("Last-Event-ID", "\(last)")])
                #expect(try await reader.readHead().status == 200, "\(last)")
                #expect(try await reader.readEvents().count { $0.hasSuffix("data: [DONE]") } == 1, "\(last)")
            }
            let length = try await server.send("GET", "/v1/stream?conv_id=talk").body.utf8.count
            let rest = try await server.send("GET", "/v1/stream?conv_id=talk&from=\(length + 70)")
            #expect(rest.head.status == 200)
            #expect(rest.body.hasSuffix("data: [DONE]\n\n"))
            #expect(try await server.send("GET", "/v1/stream?conv_id=talk&from=\(length)").body.isEmpty)
            let whole = try await server.send("GET", "/v1/generations/\(id)/events").body
            let events = whole.components(separatedBy: "\n\n").dropLast()
            let end = try #require(events.last.flatMap { ResumeTests.identifier(of: $0) })
            // A reader that has the end has every event.
            let again = try await server.connect()
            try await again.send("GET", "/v1/generations/\(id)/events", headers: [("Last-Event-ID", end)])
            #expect(try await again.readHead().status == 204)
        }
    }
}
