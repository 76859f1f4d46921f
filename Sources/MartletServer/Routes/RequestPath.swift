/// The path of a request's target as routes and access rules see it: its parts without empty ones.
///
/// So `/health/`, `//health` and `/health` are one path for the router, for the API keys and for messages. A part is a
/// sequence of bytes: percent-encoding is not decoded.
struct RequestPath: Sendable {
    private let path: String
    let parts: [Substring]

    init(_ path: String) {
        self.path = path
        parts = path.utf8.split(separator: UInt8(ascii: "/")).map { Substring($0) }
    }

    /// The path with one slash before each part.
    var text: String { "/" + parts.joined(separator: "/") }

    /// The text after the first `count` parts, unchanged; nil if there is none.
    func rest(behind count: Int) -> Substring? {
        parts.count > count ? path[parts[count].startIndex...] : nil
    }
}
