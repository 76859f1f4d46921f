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
        let methods = entries.filter { Self.matches(path, $0.path) }.map(\.method)
        return (methods.contains(.get) ? methods + [.head] : methods).map(\.rawValue)
    }

    /// Whether `path` is one of the route's: `{…}` stands for one part, `**` at the end for one or more.
    private static func matches(_ path: String, _ route: String) -> Bool {
        let parts = path.split(separator: "/")
        let patterns = route.split(separator: "/")
        let isOpen = patterns.last == "**"
        guard isOpen ? parts.count >= patterns.count : parts.count == patterns.count else { return false }
        return zip(patterns, parts).allSatisfy { $0 == $1 || $0.first == "{" || $0 == "**" }
    }
}
