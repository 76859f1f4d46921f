/// The path of a request's target as routes and access rules see it: its parts, without empty ones.
///
/// So `/health/`, `//health` and `/health` are one path, for the router, for the API keys and for error texts. A part
/// is its bytes: percent-encoding is left as it is.
struct RequestPath: Sendable {
    private let path: String
    let parts: [Substring]

    init(_ path: String) {
        self.path = path
        parts = path.utf8.split(separator: UInt8(ascii: "/")).map { Substring($0) }
    }

    /// With one slash in front of each part.
    var text: String { "/" + parts.joined(separator: "/") }

    /// The text behind the first parts, as it is written; `nil` where there is none.
    func rest(behind count: Int) -> Substring? {
        parts.count > count ? path[parts[count].startIndex...] : nil
    }
}
