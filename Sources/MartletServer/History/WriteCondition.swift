/// The state of a resource that a client expects when it writes: `If-Match` and `If-None-Match` of RFC 9110.
///
/// Example: `If-Match: "5f3a"` replaces the version with this tag and no other one. `If-None-Match: *` makes a new resource.
enum WriteCondition: Equatable, Sendable {
    /// The client states no condition.
    case none
    /// The resource must not exist.
    case absent
    /// The resource must exist.
    case present
    /// The resource must have one of these tags.
    case tagged([String])
    /// A condition that no state fulfils, such as a weak tag or text without quotes.
    case never

    /// Reads both header fields. A field that occurs several times is a list.
    init(ifMatch: [String], ifNoneMatch: [String]) {
        guard ifNoneMatch.isEmpty else {
            let isStar = ifNoneMatch.count == 1 && ifNoneMatch[0].trimmingBlanks == "*"
            self = ifMatch.isEmpty && isStar ? .absent : .never
            return
        }
        guard !ifMatch.isEmpty else {
            self = .none
            return
        }
        let items = ifMatch.flatMap { $0.split(separator: ",") }.map(\.trimmingBlanks)
        if items == ["*"] {
            self = .present
            return
        }
        // A strong comparison: a weak tag equals no tag.
        let tags = items.compactMap(Self.tag)
        self = tags.isEmpty ? .never : .tagged(tags)
    }

    /// Whether a resource with this tag may be written; nil = it does not exist.
    func allows(_ tag: String?) -> Bool {
        switch self {
        case .none: true
        case .absent: tag == nil
        case .present: tag != nil
        case .tagged(let tags): tag.map { tags.contains($0) } ?? false
        case .never: false
        }
    }

    /// The text between the quotes of a strong tag.
    private static func tag(_ item: Substring) -> String? {
        guard item.utf8.count >= 2, item.first == "\"", item.last == "\"" else { return nil }
        let tag = item.dropFirst().dropLast()
        return tag.contains("\"") ? nil : String(tag)
    }
}

extension StringProtocol {
    /// The text without blanks and tabs at both ends.
    fileprivate var trimmingBlanks: Substring {
        var rest = Substring(self).drop { $0 == " " || $0 == "\t" }
        while let last = rest.last, last == " " || last == "\t" { rest.removeLast() }
        return rest
    }
}
