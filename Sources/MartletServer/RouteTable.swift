internal import HTTPTypes
internal import Hummingbird

/// Every route: where a request goes, and which methods a path takes.
struct RouteTable: Sendable {
    typealias Handler = @Sendable (Request, EdgeContext) async throws -> Response

    private struct Entry {
        var method: HTTPRequest.Method
        var path: String
        var handler: Handler
    }
    private var entries: [Entry] = []

    /// Adds a route under all of `paths`.
    mutating func add(_ method: HTTPRequest.Method, _ paths: String..., handler: @escaping Handler) {
        for path in paths { entries.append(Entry(method: method, path: path, handler: handler)) }
    }

    func register(in router: Router<EdgeContext>) {
        for entry in entries { router.on(RouterPath(entry.path), method: entry.method, use: entry.handler) }
    }

    /// The methods that `path` takes, or nothing when there is no such route.
    func methods(of path: String) -> [String] {
        let methods = entries.filter { $0.path == path }.map(\.method)
        return (methods.contains(.get) ? methods + [.head] : methods).map(\.rawValue)
    }
}
