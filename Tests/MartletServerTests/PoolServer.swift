import Logging
import MartletGenerations
import MartletJSON
import MartletModels
import MartletPool
import MartletProtocol
import MartletServer
import MartletTestSupport

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
        let edgeRun = EdgeRun()
        let models = FakeModels(becomesReady: becomesReady)
        for name in hidden { models.hide(name) }
        var made: ModelPool?
        let edge = try EdgeServer(configuration: edgeRun.configuration, logger: EdgeRun.quiet) { receiver, onReady in
            var poolSettings = ModelPool.Settings(capacity: MemoryAmount(room))
            settings(&poolSettings)
            let pool = try ModelPool(
                poolSettings, receiver: receiver, downloader: downloader, logger: EdgeRun.quiet, onReady: onReady
            ) { () throws(ModelSourceError) in
                models.catalogue(names, change)
            }
            made = pool
            return pool
        }
        guard let pool = made else { return }
        try await edgeRun.run(edge) { try await body(PoolServer(port: $0, models: models, pool: pool, edge: edge)) }
        await pool.shutDown()
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
