internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletGenerations
internal import MartletJSON
internal import MartletModels
internal import MartletPool
internal import MartletStreams
import MartletText
internal import NIOCore
internal import Synchronization

/// The routes of a server that loads and unloads models: lists, commands and events. Lists and events wake no model.
struct PoolRoutes: Sendable {
    let pool: ModelPool
    let configuration: ServerConfiguration
    /// The time at which the server started, in seconds since 1970.
    let startTime: Int

    /// Adds the routes. Paths and names are llama-server's, apart from `/models/plan`.
    func add(to table: inout RouteTable) {
        table.add(.get, "/v1/models", "/models") { request, _ in
            if request.uri.queryParameters["reload"] != nil { try rescan() }
            pool.measureAll()
            return .json(ModelBodies.list(pool.statuses, created: startTime, freeByteCount: pool.downloadSpace))
        }
        table.add(.get, "/models/sse", "/v1/models/sse", for: .reading) { request, context in
            events(request, context)
        }
        // A model's name may contain slashes.
        table.add(.get, "/v1/models/**") { request, _ in try entry(request, behind: 2) }
        table.add(.get, "/models/**") { request, _ in try entry(request, behind: 1) }
        table.add(.post, "/models/load", "/v1/models/load") { request, _ in
            let command = try await command(request)
            return .json(ModelBodies.changed(try pool.load(command.name)))
        }
        table.add(.post, "/models/unload", "/v1/models/unload", for: .essential) { request, _ in
            let command = try await command(request)
            return .json(ModelBodies.changed(try pool.unload(command.name, force: command.isForced)))
        }
        table.add(.post, "/models/plan", "/v1/models/plan") { request, _ in
            .json(ModelBodies.plan(try pool.plan(try await command(request).name)))
        }
        table.add(.post, "/models", "/v1/models") { request, _ in
            let name = try await command(request).name
            guard let reference = HubReference(name) else {
                throw APIError.field(
                    "model", "Value must be ORG/NAME[:QUANTIZATION], but got \"\(name.excerpt(bytes: 256))\"")
            }
            return .json(["success": true, "downloads": .bool(try pool.download(reference))])
        }
        table.add(.delete, "/models", "/v1/models") { request, _ in
            let byteCount = try pool.remove(try name(request), configuration.removeModel)
            return .json(["success": true, "freed": JSONValue(byteCount)])
        }
    }

    /// Reads the sources again. Models that are loaded stay loaded.
    private func rescan() throws(APIError) {
        do throws(ModelSourceError) {
            try pool.rescan()
        } catch {
            throw APIError(.failed, "The sources of models cannot be read: \(error)")
        }
    }

    /// The model that a command names in its body.
    private func command(_ request: Request) async throws -> ModelCommand {
        try ModelCommand(try await request.json(upTo: configuration.limits.textBodyBytes))
    }

    /// The name in the query, because many clients send no body with DELETE.
    private func name(_ request: Request) throws(APIError) -> String {
        guard let name = request.uri.queryParameters["model"], !name.isEmpty else {
            throw APIError(
                .invalidRequest, "Parameter 'model': A name is required; GET /v1/models lists all models",
                field: "model")
        }
        return String(name)
    }

    /// One model by any of its names.
    /// - Parameter count: the number of parts before the name in the path.
    private func entry(_ request: Request, behind count: Int) throws -> Response {
        let part = RequestPath(request.uri.path).rest(behind: count) ?? ""
        guard let name = PercentEncoding.decoded(part), !name.isEmpty else {
            throw GenerationError.unknownModel("The model \"\(part.excerpt(bytes: 256))\" does not exist")
        }
        return .json(ModelBodies.entry(try pool.status(named: name), created: startTime))
    }

    // MARK: Events

    /// The stream of changes. The framework asks for the next event when it has written the one before.
    private func events(_ request: Request, _ context: EdgeContext) -> Response {
        let isClosed = ClosedFlag()
        context.channel.withConnection { connection in
            if let connection { connection.onDisconnect { isClosed.set() } } else { isClosed.set() }
        }
        let frames = ModelEventFrames(
            pool: pool, start: request.headers[.lastEventID].flatMap { pool.events.cursor(behind: $0) },
            startTime: startTime, eventLoop: context.channel.eventLoop, isClosed: isClosed)
        return Response(
            status: .ok,
            headers: [.contentType: "text/event-stream", .cacheControl: "no-store", .accelBuffering: "no"],
            body: ResponseBody(asyncSequence: frames))
    }
}

/// The events of one reader of `/models/sse`, in the form of server-sent events.
///
/// A snapshot comes first unless the client continues behind an event. A slow reader asks rarely, misses events and then
/// gets a snapshot, so it holds a cursor and one batch.
private struct ModelEventFrames: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    let pool: ModelPool
    /// The place behind the client's last event; nil = the client has none.
    let start: ModelEventLog.Cursor?
    let startTime: Int
    let eventLoop: any EventLoop
    let isClosed: ClosedFlag

    func makeAsyncIterator() -> Iterator { Iterator(frames: self, cursor: start) }

    /// The state of the reader between two events.
    struct Iterator: AsyncIteratorProtocol {
        let frames: ModelEventFrames
        /// nil = the next event is a snapshot.
        var cursor: ModelEventLog.Cursor?
        /// Events that were read and not sent, the next one last.
        var pending: [ModelEventLog.Event] = []

        /// The longest silence of the stream.
        private static let pingInterval = TimeAmount.seconds(15)

        /// The next event or ping; nil when the client or the server ends.
        mutating func next() async -> ByteBuffer? {
            let events = frames.pool.events
            while !frames.isClosed.isSet {
                if let event = pending.popLast() {
                    let id = events.id(before: ModelEventLog.Cursor(next: event.number + 1))
                    return frame(ModelBodies.event(event.change, created: frames.startTime), id: id)
                }
                guard var place = cursor else {
                    let snapshot = frames.pool.snapshot
                    cursor = snapshot.cursor
                    let json = ModelBodies.snapshot(snapshot.statuses, created: frames.startTime)
                    return frame(json, id: events.id(before: snapshot.cursor))
                }
                let batch = await events.read(&place, upTo: Self.pingInterval, on: frames.eventLoop)
                cursor = place
                switch batch {
                case .events(let read): pending = read.reversed()
                case .missed: cursor = nil
                case .silence: return ByteBuffer(string: ":\n\n")
                case .closed: return nil
                }
            }
            return nil
        }

        /// One event with its id.
        private func frame(_ json: JSONValue, id: String) -> ByteBuffer {
            ByteBuffer(string: "id: \(id)\ndata: \(json.text)\n\n")
        }
    }
}

/// Whether the client of an event stream has gone. Thread: any.
private final class ClosedFlag: Sendable {
    private let flag = Atomic(false)

    /// Whether the connection is closed.
    var isSet: Bool { flag.load(ordering: .acquiring) }

    /// Records the end of the connection. Called on its event loop.
    func set() { flag.store(true, ordering: .releasing) }
}
