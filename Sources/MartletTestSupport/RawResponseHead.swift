/// The status line and the headers of a response.
package struct RawResponseHead: Sendable, Equatable {
    package let status: Int
    package let headers: [(name: String, value: String)]

    /// - Parameter text: the lines, without the empty one.
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

    /// The value of the first header of this name, which is lower-case.
    package subscript(name: String) -> String? { headers.first { $0.name == name }?.value }

    package static func == (left: Self, right: Self) -> Bool {
        left.status == right.status && left.headers.elementsEqual(right.headers, by: ==)
    }
}
