import MartletText

/// Records the arrival times of the tokens of an event stream, in the dialects of OpenAI and llama-server.
///
/// An event counts as a token if it has a text that is not empty. The meter searches the bytes of a line for a few
/// member names and does not parse JSON, so a measurement costs little CPU time.
struct StreamMeter {
    /// The arrival of each event with text, in seconds.
    private(set) var times: [Double] = []
    /// The number of tokens in the server's usage; `nil` if the stream has none.
    private(set) var reportedCount: Int?
    /// Whether the stream's last event has arrived.
    private(set) var isComplete = false
    /// The first error event, cut to 200 bytes.
    private(set) var error: String?

    /// The bytes of a line that is not complete.
    private var line: [UInt8] = []
    /// The maximum length of a line in bytes; the rest is dropped.
    private static let maximumLineLength = 1 << 20

    /// Consumes the next bytes of the stream. `time` is the arrival of all events that end in them.
    mutating func record(_ bytes: some Sequence<UInt8>, at time: Double) {
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                endLine(at: time)
                line.removeAll(keepingCapacity: true)
            } else if line.count < Self.maximumLineLength {
                line.append(byte)
            }
        }
    }

    /// The begin of a line with an event.
    private static let prefix = Array("data:".utf8)
    /// The keys of the text in the formats of all routes.
    private static let texts = ["\"text\":", "\"content\":", "\"reasoning_content\":"].map { Array($0.utf8) }
    /// The keys of the number of output tokens.
    private static let counts = ["\"completion_tokens\":", "\"tokens_predicted\":"].map { Array($0.utf8) }
    /// The last line of a stream in OpenAI's format.
    private static let done = Array("[DONE]".utf8)
    /// The mark of the last event in the native format.
    private static let stop = Array("\"stop\":true".utf8)
    /// The key of an error event.
    private static let failure = Array("\"error\":".utf8)

    /// Evaluates a complete line. Lines without `data:` are ignored.
    private mutating func endLine(at time: Double) {
        guard line.starts(with: Self.prefix) else { return }
        if Self.texts.contains(where: { hasText(after: $0) }) { times.append(time) }
        for name in Self.counts { if let count = number(after: name) { reportedCount = count } }
        if end(of: Self.done) != nil || end(of: Self.stop) != nil { isComplete = true }
        if error == nil, let start = end(of: Self.failure), firstByte(from: start) == UInt8(ascii: "{") {
            error = line[start...].excerpt(bytes: 200)
        }
    }

    /// The offset behind the first occurrence of `words`; `nil` if there is none.
    private func end(of words: [UInt8]) -> Int? {
        guard line.count >= words.count else { return nil }
        return line.withUnsafeBufferPointer { line in
            for start in 0...(line.count - words.count) where line[start] == words[0] {
                var length = 1
                while length < words.count, line[start + length] == words[length] { length += 1 }
                if length == words.count { return start + length }
            }
            return nil
        }
    }

    /// The first byte from `index` on that is not a blank.
    private func firstByte(from index: Int) -> UInt8? { line[index...].first { $0 != UInt8(ascii: " ") } }

    /// Whether a member has a string that is not empty.
    private func hasText(after name: [UInt8]) -> Bool {
        guard let end = end(of: name) else { return false }
        let rest = line[end...].drop { $0 == UInt8(ascii: " ") }
        return rest.first == UInt8(ascii: "\"") && rest.dropFirst().first != UInt8(ascii: "\"")
    }

    /// The whole number of a member; `nil` if there is no such member or its value is no number.
    private func number(after name: [UInt8]) -> Int? {
        guard let end = end(of: name) else { return nil }
        let digits = line[end...].drop { $0 == UInt8(ascii: " ") }.prefix { (0x30...0x39).contains($0) }
        return Int(String(decoding: digits, as: UTF8.self))
    }
}
