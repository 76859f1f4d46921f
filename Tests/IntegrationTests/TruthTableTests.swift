import MartletJSON
import MartletPlatform
import MartletTestSupport
import OrderedCollections
import Subprocess
import Testing

/// The README's table of what ends a generation and what does not, cell by cell, against the real program.
@Suite(.serialized, .timeLimit(.minutes(15))) struct TruthTableTests {
    /// How a request asks for a lifetime.
    enum Lifetime: String, CaseIterable {
        case plain
        case resumable
        case background
    }

    /// A generation that has begun, and a connection that reads it.
    private struct Running {
        var connection: RawConnection
        var id: String?
    }

    private static let request: JSONObject = [
        "prompt": "Once upon a time", "max_tokens": 1_500, "ignore_eos": true, "temperature": 0,
    ]

    /// Runs for a while unless something ends it; its first event is read.
    private static func begin(_ lifetime: Lifetime, on server: Server, label: String? = nil) async throws -> Running {
        var headers: [(String, String)] = []
        if lifetime == .resumable { headers.append(("X-Stream-Resume", "1")) }
        if let label { headers.append(("X-Conversation-Id", label)) }
        var body = request
        body["stream"] = true
        body["background"] = .bool(lifetime == .background)
        let connection = try await server.connect()
        try await connection.send("POST", "/v1/completions", headers: headers, body: JSONValue.object(body).text)
        let head = try await connection.readHead()
        #expect(head.status == 200)
        _ = try await connection.readEvent()
        return Running(connection: connection, id: head["x-generation-id"])
    }

    private static func state(of id: String?, on server: Server) async throws -> JSONValue {
        let id = try #require(id)
        return try JSONParser.parse(Array(try await server.get("/v1/generations/\(id)").body.utf8))
    }

    private static func cancelledCount(_ server: Server) async throws -> Int {
        try await server.slots().count { $0["is_processing"]?.boolValue == true }
    }

    @Test(arguments: Lifetime.allCases) func theClientCloses(lifetime: Lifetime) async throws {
        try await Server.run(["--orphan-timeout", "600"]) { server in
            let running = try await Self.begin(lifetime, on: server)
            try await running.connection.reset()
            guard lifetime != .plain else {
                try await server.wait { try await Self.cancelledCount(server) == 0 }
                #expect(try await server.metric("martlet_generations_live") == 0)
                return
            }
            let result = try await server.get("/v1/generations/\(try #require(running.id))/result?wait=120")
            #expect(result.status == 200)
            let json = try JSONParser.parse(Array(result.body.utf8))
            #expect(json["usage"]?["completion_tokens"] == 1_500)
        }
    }

    @Test(arguments: Lifetime.allCases) func aGenerationWithoutAReturningClient(lifetime: Lifetime) async throws {
        try await Server.run(["--orphan-timeout", "1"]) { server in
            let running = try await Self.begin(lifetime, on: server)
            try await running.connection.reset()
            guard lifetime != .plain else {
                try await server.wait { try await server.metric("martlet_generations_live") == 0 }
                return
            }
            try await server.wait { try await Self.state(of: running.id, on: server)["finish_reason"] != nil }
            let end = try await Self.state(of: running.id, on: server)["finish_reason"]?.stringValue
            // Fast machines finish within the second.
            if lifetime == .background { #expect(end == "length") } else { #expect(end == "error" || end == "length") }
        }
    }

    @Test(arguments: [Lifetime.resumable, .background]) func itIsStoppedByID(lifetime: Lifetime) async throws {
        try await Server.run { server in
            let running = try await Self.begin(lifetime, on: server)
            let id = try #require(running.id)
            #expect(try await server.request("DELETE", "/v1/generations/\(id)").status == 200)
            #expect(try await Self.state(of: id, on: server)["state"] == "cancelled")
            #expect(try StreamedText(await running.connection.readEvents()).endedOnce)
            let tail = try await server.get("/v1/generations/\(id)/events")
            #expect(tail.body.hasSuffix("data: [DONE]\n\n"))
        }
    }

    @Test(arguments: [Lifetime.resumable, .background]) func itIsStoppedByLabel(lifetime: Lifetime) async throws {
        try await Server.run { server in
            let running = try await Self.begin(lifetime, on: server, label: "c")
            #expect(try await server.request("DELETE", "/v1/stream?conv_id=c").status == 204)
            #expect(try await Self.state(of: running.id, on: server)["state"] == "cancelled")
            #expect(try StreamedText(await running.connection.readEvents()).endedOnce)
            #expect(try await server.get("/v1/stream?conv_id=c").body.hasSuffix("data: [DONE]\n\n"))
        }
    }

    @Test(arguments: [Lifetime.resumable, .background]) func aNewerGenerationReplacesTheLabelsTarget(lifetime: Lifetime)
        async throws
    {
        try await Server.run { server in
            let old = try await Self.begin(lifetime, on: server, label: "c")
            let new = try await Self.begin(lifetime, on: server, label: "c")
            #expect(try StreamedText(await old.connection.readEvents()).endedOnce)
            #expect(try await Self.state(of: old.id, on: server)["state"] == "cancelled")
            let text = try StreamedText(await new.connection.readEvents())
            #expect(text.endedOnce)
            #expect(text.finishReasons == ["length"])
        }
    }

    @Test(arguments: Lifetime.allCases) func theWorkerDies(lifetime: Lifetime) async throws {
        try await Server.run { server in
            let undisturbed = try await Self.begin(lifetime, on: server)
            let expected = try StreamedText(await undisturbed.connection.readEvents()).text
            let running = try await Self.begin(lifetime, on: server)
            kill(try await server.worker(), SIGKILL)
            let text = try StreamedText(await running.connection.readEvents())
            #expect(text.endedOnce)
            #expect(text.errors.isEmpty)
            #expect(text.text == expected)
        }
    }

    @Test func aPlainOneIsStoppedByItsIDAloneAndLeavesNothing() async throws {
        try await Server.run { server in
            let body: JSONValue = [
                "prompt": "Once upon a time", "max_tokens": 3_000, "ignore_eos": true, "temperature": 0,
            ]
            let stream = try await server.openStream(body)
            let first = try #require(try await stream.readEvent())
            let name = try JSONParser.parse(Array(first.dropFirst("data: ".count).utf8))["id"]?.stringValue
            let id = try #require(name)
            // A label is another's: it stops nothing else, neither when it is stopped nor when it is taken over.
            let labelled = try await Self.begin(.resumable, on: server, label: "c")
            _ = try await Self.begin(.background, on: server, label: "c")
            #expect(try await server.request("DELETE", "/v1/stream?conv_id=c").status == 204)
            #expect(try StreamedText(await labelled.connection.readEvents()).endedOnce)
            #expect(try await server.get("/v1/generations/\(id)/result").status == 404)
            let stop = try await server.request("DELETE", "/v1/generations/\(id)")
            #expect(stop.status == 200 && stop.body.contains("cancelled"), "\(stop.body)")
            let text = try StreamedText([first] + (await stream.readEvents()))
            #expect(text.endedOnce && text.finishReasons == ["stop"])
            #expect(try await server.request("DELETE", "/v1/generations/\(id)").status == 404)
            #expect(try await server.get("/v1/generations/\(id)/result").status == 404)
        }
    }

    /// How a server ends under a generation.
    enum Death: CaseIterable {
        /// SIGTERM.
        case requested
        /// SIGKILL.
        case killed

        var signal: CInt { self == .requested ? SIGTERM : SIGKILL }
    }

    @Test(
        arguments: [(Death.requested, true), (.requested, false), (.killed, true), (.killed, false)], Lifetime.allCases)
    func theServerEnds(death: (how: Death, retainsJournal: Bool), lifetime: Lifetime) async throws {
        let state = StateFolder()
        // The shortest time for generations to end by themselves: none.
        let flags = ["--drain-timeout", "1"] + (death.retainsJournal ? ["--state-dir", state.path] : [])
        let goesOn = lifetime != .plain && death.retainsJournal
        let expected = LockedValue("")
        let id = LockedValue<String?>(nil)
        let status = try await Server.run(flags) { server in
            let undisturbed = try await server.post("/v1/completions", .object(Self.request)).body
            expected.set(try #require(undisturbed["choices"]?.arrayValue?.first?["text"]?.stringValue))
            let running = try await Self.begin(lifetime, on: server)
            id.set(running.id)
            kill(server.processIdentifier, death.how.signal)
            var events: [String] = []
            do {
                while let event = try await running.connection.readEvent() { events.append(event) }
                #expect(death.how == .requested)
            } catch is RawConnectionError {
                #expect(death.how == .killed)
            }
            let text = try StreamedText(events)
            if death.how == .requested, !goesOn {
                #expect(text.errors.count == 1 && text.endedOnce)
            } else {
                // Nothing says that the answer is over, as it is not.
                #expect(text.errors.isEmpty && text.finishReasons.isEmpty && text.doneCount == 0)
                #expect((events.last?.hasPrefix("event: handover\n") == true) == (death.how == .requested))
            }
        }
        #expect(status.isSuccess == (death.how == .requested))
        try await Server.run(flags) { server in
            guard goesOn else {
                #expect(try await server.get("/v1/generations").body == #"{"object":"list","data":[]}"#)
                if let id = id.value { #expect(try await server.get("/v1/generations/\(id)").status == 404) }
                return
            }
            let id = try #require(id.value)
            let result = try await server.get("/v1/generations/\(id)/result?wait=120")
            let choice = try JSONParser.parse(Array(result.body.utf8))["choices"]?.arrayValue?.first
            #expect(choice?["text"]?.stringValue == expected.value)
            #expect(choice?["finish_reason"]?.stringValue == "length")
        }
    }
}
