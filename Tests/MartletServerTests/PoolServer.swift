import Logging
import MartletGenerations
import MartletJSON
import MartletModels
import MartletPool
import MartletProtocol
import MartletServer
import MartletTestSupport
import Synchronization

/// A server with a pool of fake models. A test makes each worker ready, or lets it fail.
struct PoolServer: Sendable {
    let port: Int
    let models: FakeModels
    let pool: ModelPool
    let edge: EdgeServer

    /// Runs `body` with a server of these models, each of which needs one unit of memory.
    /// - Parameter room: the number of models that fit into memory.
    static func run(
        _ names: [String] = ["a", "b", "c"], room: UInt64 = 1, becomesReady: Bool = true,
        change: @escaping @Sendable (inout ModelDefinition) -> Void = { _ in },
        settings: @escaping @Sendable (inout ModelPool.Settings) -> Void = { _ in },
        downloader: (any ModelDownloader)? = nil, hidden: [String] = [],
        body: (PoolServer) async throws -> Void
    ) async throws {
        var configuration = ServerConfiguration()
        configuration.port = 0
        configuration.drainTimeout = .milliseconds(300)
        configuration.closingTimeout = .milliseconds(100)
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        configuration.onListening = { port.yield($0) }
        let models = FakeModels(becomesReady: becomesReady)
        for name in hidden { models.hide(name) }
        var made: ModelPool?
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let edge = try EdgeServer(configuration: configuration, logger: logger) { receiver, onReady in
            var poolSettings = ModelPool.Settings(capacity: MemoryAmount(room))
            settings(&poolSettings)
            let pool = try ModelPool(
                poolSettings, receiver: receiver, downloader: downloader, logger: logger, onReady: onReady
            ) { () throws(ModelSourceError) in
                models.catalogue(names, change)
            }
            made = pool
            return pool
        }
        guard let pool = made else { return }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { port.finish() }
                try await edge.run(until: [])
            }
            for await port in ports {
                try await body(PoolServer(port: port, models: models, pool: pool, edge: edge))
                break
            }
            await edge.shutDown()
            try await group.waitForAll()
            await pool.shutDown()
        }
    }

    func connect(receiveBufferBytes: Int? = nil) async throws -> RawConnection {
        try await RawConnection.connect(port: port, receiveBufferBytes: receiveBufferBytes)
    }

    func send(_ method: String, _ path: String, body: String? = nil) async throws -> (status: Int, json: JSONValue) {
        let connection = try await connect()
        try await connection.send(method, path, body: body)
        let head = try await connection.readHead()
        let text = try await connection.readBody()
        try await connection.close()
        return (head.status, text.isEmpty ? .null : try json(text))
    }

    /// Sends a chat to a model and returns the content of its response.
    func chat(_ model: String, _ more: String = "") async throws -> (status: Int, text: String) {
        let (status, json) = try await send(
            "POST", "/v1/chat/completions",
            body: #"{"model":"\#(model)","messages":[{"role":"user","content":"hi"}]\#(more)}"#)
        let text = json["choices"]?.arrayValue?.first?["message"]?["content"]?.stringValue
        return (status, text ?? json["error"]?["message"]?.stringValue ?? "")
    }

    /// The phase of a model as the list shows it.
    func phase(_ model: String) async throws -> String? {
        let list = try await send("GET", "/v1/models").json["data"]?.arrayValue ?? []
        return list.first { $0["id"]?.stringValue == model }?["status"]?["phase"]?.stringValue
    }
}

/// Models whose workers are fakes.
final class FakeModels: Sendable {
    private let guarded = Mutex(
        (loads: [String](), workers: [FakeWorker](), ready: true, hidden: Set<String>(), problems: [String: String]()))

    init(becomesReady: Bool) { guarded.withLock { $0.ready = becomesReady } }

    /// The names of the loads so far, in their order.
    var loads: [String] { guarded.withLock { $0.loads } }

    /// The newest worker of a model.
    func worker(_ name: String) -> FakeWorker? { guarded.withLock { $0.workers.last { $0.name == name } } }

    /// Removes the file of a model from the sources. The next scan does not find it.
    func hide(_ name: String) { guarded.withLock { _ = $0.hidden.insert(name) } }

    /// Adds the file of a hidden model to the sources.
    func show(_ name: String) { guarded.withLock { _ = $0.hidden.remove(name) } }

    /// Damages the file of a model, or repairs it. The next scan finds the problem.
    func damage(_ name: String, _ problem: String?) { guarded.withLock { $0.problems[name] = problem } }

    /// Waits until `count` loads have begun.
    func waitForLoads(_ count: Int) async {
        while loads.count < count { await Task.yield() }
    }

    func catalogue(
        _ names: [String], _ change: @Sendable (inout ModelDefinition) -> Void
    ) -> ModelPool.Catalogue {
        let (hidden, problems) = guarded.withLock { ($0.hidden, $0.problems) }
        let definitions = names.filter { !hidden.contains($0) }.map { name in
            var configuration = GenerationConfiguration()
            configuration.modelNames = [name]
            var definition = ModelDefinition(
                model: RegisteredModel(name: name, source: .folder, paths: ["/models/\(name).gguf"]),
                configuration: configuration, plan: { () throws(ModelSourceError) in MemoryAmount(1) },
                makeWorker: { [self] receiver throws(ModelSourceError) in makeWorker(name, receiver) })
            definition.problem = problems[name]
            change(&definition)
            return definition
        }
        return ModelPool.Catalogue(registry: ModelRegistry(definitions.map(\.model)), definitions: definitions)
    }

    private func makeWorker(_ name: String, _ receiver: any EngineEventReceiver) -> FakeWorker {
        let worker = FakeWorker(name, receiver, becomesReady: guarded.withLock { $0.ready })
        guarded.withLock { guarded in
            guarded.loads.append(name)
            guarded.workers.append(worker)
        }
        return worker
    }
}

/// A worker whose engine replies with the name of its model.
final class FakeWorker: PoolWorker {
    let name: String
    let fake: FakeEngine
    private let becomesReady: Bool
    private let isEnded = Mutex(false)
    private let ends: AsyncStream<Void>
    private let end: AsyncStream<Void>.Continuation

    init(_ name: String, _ receiver: any EngineEventReceiver, becomesReady: Bool) {
        self.name = name
        self.becomesReady = becomesReady
        fake = FakeEngine(
            receiver, state: .loading(LoadProgress(stage: .starting, fraction: 0)), script: .complete([name]))
        (ends, end) = AsyncStream.makeStream()
    }

    var engine: any EngineService { fake }
    var lastLogLines: [String] { ["the last line of \(name)"] }

    func run() async {
        if becomesReady { fake.change(to: .ready(.fake)) }
        for await _ in ends {}
    }

    func end(kills: Bool) {
        // As a supervisor does: generations that run end with an error.
        for handle in fake.running { fake.fail(handle, EngineError(.shuttingDown, "the model was unloaded")) }
        end.finish()
    }
}

/// The time of a pool, which a test advances.
final class PoolClock: Sendable {
    private let guarded = Mutex(LifecyclePolicy.Instant.now)

    var now: LifecyclePolicy.Instant { guarded.withLock { $0 } }

    func advance(by time: Duration) { guarded.withLock { $0 += time } }
}
