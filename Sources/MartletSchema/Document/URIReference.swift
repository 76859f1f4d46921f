/// Resolution of URI references (RFC 3986, section 5), as far as identifiers of schemas need it.
enum URIReference {
    /// Resolves a reference against a base URI.
    ///
    /// Example: `item.json#/a` against `http://x/schemas/root.json` is `http://x/schemas/item.json` and `/a`.
    ///
    /// - Returns: the absolute URI without fragment, and the fragment without `#`.
    static func resolve(_ text: String, base: String) -> (resource: String, fragment: String) {
        var resource = text[...]
        var fragment = ""
        if let hash = text.firstIndex(of: "#") {
            resource = text[..<hash]
            fragment = String(text[text.index(after: hash)...])
        }
        if resource.isEmpty { return (base, fragment) }
        if hasScheme(resource) { return (normalized(String(resource)), fragment) }
        let (root, rest) = split(base)
        // A base's query is no part of its path, and is never inherited by a reference that is not empty.
        let path = rest.prefix { $0 != "?" }
        if resource.hasPrefix("//") {
            let scheme = root.prefix { $0 != ":" }
            return (scheme.isEmpty ? String(resource) : "\(scheme):\(resource)", fragment)
        }
        if resource.hasPrefix("/") { return (root + withoutDots(String(resource)), fragment) }
        if resource.hasPrefix("?") { return ("\(root)\(path)\(resource)", fragment) }
        let folder = path.lastIndex(of: "/").map { path[...$0] } ?? (root.isEmpty ? "" : "/")
        return (root + withoutDots(String(folder) + String(resource)), fragment)
    }

    /// A text without percent-encoding: `%41` becomes `A`. An incomplete escape stays as it is.
    static func decoded(_ text: Substring) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let value = UInt8(Substring(rest.prefix(2)), radix: 16), rest.count >= 2 {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Whether a reference is absolute (RFC 3986, section 3.1).
    private static func hasScheme(_ text: Substring) -> Bool {
        guard let colon = text.firstIndex(of: ":") else { return false }
        let scheme = text[..<colon]
        return !scheme.isEmpty && scheme.first?.isLetter == true
            && scheme.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) }
    }

    /// Scheme and authority, and the path with everything that follows it.
    private static func split(_ base: String) -> (root: String, path: Substring) {
        guard hasScheme(base[...]), let colon = base.firstIndex(of: ":") else { return ("", base[...]) }
        var start = base.index(after: colon)
        if base[start...].hasPrefix("//") {
            start = base.index(start, offsetBy: 2)
            start = base[start...].firstIndex { $0 == "/" || $0 == "?" } ?? base.endIndex
        }
        return (String(base[..<start]), base[start...])
    }

    /// An absolute URI without dot segments.
    private static func normalized(_ text: String) -> String {
        let (root, path) = split(text)
        return path.hasPrefix("/") ? root + withoutDots(String(path)) : text
    }

    /// A path without `.` and `..` (RFC 3986, section 5.2.4). A query behind it is unchanged: dots mean nothing there.
    private static func withoutDots(_ reference: String) -> String {
        let path = reference.prefix { $0 != "?" }
        var parts: [Substring] = []
        let all = path.split(separator: "/", omittingEmptySubsequences: false)
        for (index, part) in all.enumerated() {
            let isLast = index == all.count - 1
            switch part {
            case ".": if isLast { parts.append("") }
            case "..":
                if parts.count > 1 { parts.removeLast() }
                if isLast { parts.append("") }
            default: parts.append(part)
            }
        }
        return parts.joined(separator: "/") + String(reference[path.endIndex...])
    }
}
