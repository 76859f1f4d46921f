import MartletGenerations
import MartletJSON
import MartletModels
import MartletPool
import MartletProtocol
import MartletTestSupport
import Testing

/// Streams that report the load for which they wait.
@Suite struct PoolLoadTests {
    /// Reads events until one contains `text`.
    private static func read(_ connection: RawConnection, until text: String) async throws -> [String] {
        var events: [String] = []
        while let event = try await connection.readEvent() {
            events.append(event)
            if event.contains(text) { return events }
        }
        return events
    }

    /// The newest worker of a model, when its engine is that of the model.
    private static func worker(_ name: String, _ server: PoolServer) async throws -> FakeWorker {
        let engine = try server.pool.model(named: name).engine
        while case .failed = engine.state { await Task.yield() }
        return try #require(server.models.worker(name))
    }

    private static func fractions(_ events: [String]) throws -> [String] {
        try events.compactMap { event -> String? in
            guard let begin = event.firstRange(of: "{") else { return nil }
            let progress = try json(String(event[begin.lowerBound...]))["load_progress"]
            return progress.map { "\($0["status"]?.stringValue ?? "?") \($0["fraction"]?.doubleValue ?? -1)" }
        }
    }

    /// Every dialect with a stream, the field that asks for the progress, and the form of its event.
    static let dialects: [(path: String, body: String, form: String)] = [
        ("/v1/chat/completions", #""messages":[{"role":"user","content":"hi"}]"#, "data: {"),
        ("/v1/completions", #""prompt":"hi""#, "data: {"), ("/completion", #""prompt":"hi""#, "data: {"),
        ("/v1/responses", #""input":"hi""#, ": {"),
        ("/v1/messages", #""max_tokens":9,"messages":[{"role":"user","content":"hi"}]"#, ": {"),
    ]

    @Test(arguments: dialects)
    func aStreamThatAsksForItReportsTheLoad(path: String, body: String, form: String) async throws {
        try await PoolServer.run(["a", "b"], becomesReady: false) { server async throws in
            async let other = server.chat("b")
            await server.models.waitForLoads(1)
            let stream = try await server.connect()
            try await stream.send(
                "POST", path, body: #"{"model":"a","stream":true,"return_progress":true,\#(body)}"#)
            #expect(try await stream.readHead().status == 200)
            var events = try await Self.read(stream, until: "queued")
            try await Self.worker("b", server).fake.change(to: .ready(.fake))
            #expect(try await other.text == "b")
            await server.models.waitForLoads(2)
            events += try await Self.read(stream, until: #""loading""#)
            let worker = try await Self.worker("a", server)
            for fraction in [0.5, 0.504, 0.25, 1] {
                worker.fake.change(to: .loading(LoadProgress(stage: .textModel, fraction: fraction)))
            }
            worker.fake.change(to: .loading(LoadProgress(stage: .warmUp, fraction: 0)))
            worker.fake.change(to: .ready(.fake))
            while let event = try await stream.readEvent() { events.append(event) }
            let reports = events.filter { $0.contains("load_progress") }
            #expect(reports.allSatisfy { $0.hasPrefix(form) }, "\(reports)")
            // A hundredth is a step, and no fraction is less than one before.
            #expect(try Self.fractions(reports) == ["queued 0.0", "loading 0.0", "loading 0.475", "loading 0.95"])
            #expect(events.joined().contains("a"))
        }
    }

    @Test func aStreamThatDoesNotAskReportsNothing() async throws {
        try await PoolServer.run(["a"], becomesReady: false) { server async throws in
            let stream = try await server.connect()
            try await stream.send(
                "POST", "/v1/chat/completions",
                body: #"{"model":"a","stream":true,"messages":[{"role":"user","content":"hi"}]}"#)
            #expect(try await stream.readHead().status == 200)
            await server.models.waitForLoads(1)
            while try await server.phase("a") != "loading" { await Task.yield() }
            let fake = try await Self.worker("a", server).fake
            fake.change(to: .loading(LoadProgress(stage: .textModel, fraction: 0.5)))
            fake.change(to: .ready(.fake))
            let events = try await stream.readEvents()
            #expect(events.last == "data: [DONE]" && !events.contains { $0.contains("load_progress") })
        }
    }

    /// Ollama's lines of JSON have an empty text beside the progress, so its clients show nothing.
    @Test func ollamasLinesReportTheLoad() async throws {
        try await PoolServer.run(["a"], becomesReady: false) { server async throws in
            let stream = try await server.connect()
            try await stream.send(
                "POST", "/api/chat",
                body: #"{"model":"a","load_progress":true,"messages":[{"role":"user","content":"hi"}]}"#)
            #expect(try await stream.readHead().status == 200)
            await server.models.waitForLoads(1)
            while try await server.phase("a") != "loading" { await Task.yield() }
            try await Self.worker("a", server).fake.change(to: .ready(.fake))
            let text = try await stream.readBody()
            let lines = try text.split(separator: "\n").map { try json(String($0)) }
            let progress = try #require(lines.first { $0["load_progress"] != nil })
            #expect(progress["load_progress"]?["status"] == "loading" && progress["done"] == false)
            #expect(progress["message"]?["content"] == "" && lines.last?["done"] == true)
        }
    }
}
