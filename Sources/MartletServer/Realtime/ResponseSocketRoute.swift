internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletGenerations
internal import MartletProtocol
internal import MartletStreams
internal import NIOCore
internal import Synchronization

/// `GET /v1/responses`: Responses over a WebSocket, as Codex opens it.
///
/// A class, because its sessions share its properties.
final class ResponseSocketRoute: Sendable {
    let completions: CompletionRoutes
    let loops: ReaderLoops
    private let opening: SocketOpening

    init(configuration: ServerConfiguration, completions: CompletionRoutes, loops: ReaderLoops) {
        self.completions = completions
        self.loops = loops
        opening = SocketOpening(configuration, loops: loops)
    }

    func add(to table: inout RouteTable) {
        table.add(.get, "/v1/responses", "/responses") { [self] request, context in
            opening.respond(to: request, context) {
                let session = ResponseSocketSession(of: self, request.headers, context)
                return { await session.receive($0) }
            }
        }
    }
}

/// The plain generations of one WebSocket, which end with it. Thread: any.
final class SocketGenerations: Sendable {
    private let registry: GenerationRegistry
    private let state = Mutex<(handles: Set<GenerationHandle>, isClosed: Bool)>(([], false))

    init(_ registry: GenerationRegistry) { self.registry = registry }

    /// Adds a generation. It is cancelled at once if the WebSocket has closed.
    func add(_ generation: Generation) {
        guard !generation.spec.isResumable else { return }
        let isClosed = state.withLock { state in
            if !state.isClosed { state.handles.insert(generation.handle) }
            return state.isClosed
        }
        if isClosed { registry.cancel(generation.handle) }
    }

    /// Removes a generation that has ended.
    func remove(_ generation: Generation) { _ = state.withLock { $0.handles.remove(generation.handle) } }

    /// The WebSocket has closed: cancels all generations.
    func close() {
        let handles = state.withLock { state in
            defer { state = ([], true) }
            return state.handles
        }
        for handle in handles { registry.cancel(handle) }
    }
}
