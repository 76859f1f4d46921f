internal import HTTPTypes
internal import Hummingbird
internal import MartletText

/// All routes with their methods and their treatment on connections beyond the limit.
struct RouteTable: Sendable {
    typealias Handler = @Sendable (Request, EdgeContext) async throws -> Response
    typealias Purpose = OpenConnections.Limiter.Purpose

    private struct Entry {
        var method: HTTPRequest.Method
        var path: String
        var purpose: Purpose
        var handler: Handler
    }
    private var entries: [Entry] = []

    /// Adds a route under each of `paths`. `{name}` matches one part, `**` at the end one or more.
    mutating func add(
        _ method: HTTPRequest.Method, _ paths: String..., for purpose: Purpose = .ordinary, handler: @escaping Handler
    ) {
        for path in paths { entries.append(Entry(method: method, path: path, purpose: purpose, handler: handler)) }
    }

    /// The methods in lower case and the patterns of all routes.
    var all: [(method: String, path: String)] { entries.map { ($0.method.rawValue.lowercased(), $0.path) } }

    /// Adds every route to the framework's router.
    func register(in router: Router<EdgeContext>) {
        for entry in entries { router.on(RouterPath(entry.path), method: entry.method, use: entry.handler) }
    }

    /// The methods that `path` allows; empty if there is no such route.
    func methods(of path: String) -> [String] {
        let path = RequestPath(path)
        let methods = entries.filter { Self.matches(path, $0.path) }.map(\.method)
        return (methods.contains(.get) ? methods + [.head] : methods).map(\.rawValue)
    }

    /// The kind of a request with regard to the limit of connections.
    /// - Parameter route: the route's pattern; nil if no route matches.
    func purpose(of method: HTTPRequest.Method, _ route: String?) -> Purpose {
        let method = method == .head ? .get : method
        return entries.first { $0.method == method && $0.path == route }?.purpose ?? .ordinary
    }

    /// Whether `path` matches a route's pattern.
    private static func matches(_ path: RequestPath, _ route: String) -> Bool {
        let patterns = RequestPath(route).parts
        let isOpen = patterns.last == "**"
        guard isOpen ? path.parts.count >= patterns.count : path.parts.count == patterns.count else { return false }
        return zip(patterns, path.parts).allSatisfy { $0.hasSameBytes(as: $1) || $0.first == "{" || $0 == "**" }
    }
}
