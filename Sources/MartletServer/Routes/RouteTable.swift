internal import HTTPTypes
internal import Hummingbird
internal import MartletText

/// Every route: where a request goes, which methods a path takes, and which routes a full server serves.
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

    /// Adds a route under all of `paths`.
    mutating func add(
        _ method: HTTPRequest.Method, _ paths: String..., for purpose: Purpose = .ordinary, handler: @escaping Handler
    ) {
        for path in paths { entries.append(Entry(method: method, path: path, purpose: purpose, handler: handler)) }
    }

    func register(in router: Router<EdgeContext>) {
        for entry in entries { router.on(RouterPath(entry.path), method: entry.method, use: entry.handler) }
    }

    /// The methods that `path` takes, or nothing when there is no such route.
    func methods(of path: String) -> [String] {
        let path = RequestPath(path)
        let methods = entries.filter { Self.matches(path, $0.path) }.map(\.method)
        return (methods.contains(.get) ? methods + [.head] : methods).map(\.rawValue)
    }

    /// The meaning of a request for the places of connections.
    /// - Parameter route: its pattern.
    func purpose(of method: HTTPRequest.Method, _ route: String?) -> Purpose {
        let method = method == .head ? .get : method
        return entries.first { $0.method == method && $0.path == route }?.purpose ?? .ordinary
    }

    /// Whether `path` is one of the route's: `{…}` stands for one part, `**` at the end for one or more.
    private static func matches(_ path: RequestPath, _ route: String) -> Bool {
        let patterns = RequestPath(route).parts
        let isOpen = patterns.last == "**"
        guard isOpen ? path.parts.count >= patterns.count : path.parts.count == patterns.count else { return false }
        return zip(patterns, path.parts).allSatisfy { $0.hasSameBytes(as: $1) || $0.first == "{" || $0 == "**" }
    }
}
