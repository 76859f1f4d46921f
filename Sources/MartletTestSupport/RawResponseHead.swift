/// The status line and the headers of a response.
package struct RawResponseHead: Sendable, Equatable {
    /// The status code, e.g. 200.
    package let status: Int
    /// In the order of the response. Names are lower-case; repeated headers are separate.
    package let headers: [(name: String, value: String)]

    /// Parses a head. Names of headers become lower-case.
    /// - Parameter text: The lines without the empty line at the end.
    init?(_ text: String) {
        let lines = text.split(separator: "\n")
        guard let words = lines.first?.split(separator: " "), words.count >= 2, words[0] == "HTTP/1.1",
            let status = Int(words[1])
        else { return nil }
        self.status = status
        headers = lines.dropFirst().map { line in
            let colon = line.firstIndex(of: ":") ?? line.endIndex
            let value = line[colon...].dropFirst().drop { $0 == " " }
            return (line[..<colon].lowercased(), String(value))
        }
    }

    /// The value of the first header with this lower-case name.
    package subscript(name: String) -> String? { headers.first { $0.name == name }?.value }

    /// Whether status and all headers are equal, in the same order.
    package static func == (left: Self, right: Self) -> Bool {
        left.status == right.status && left.headers.elementsEqual(right.headers, by: ==)
    }
}
