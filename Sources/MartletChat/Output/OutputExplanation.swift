import MartletJSON
import MartletProtocol

/// Which part of an answer was recognised as what.
package struct OutputExplanation: Sendable, Equatable {
    package struct Part: Sendable, Equatable {
        /// Bytes of the answer.
        package var range: Range<Int>
        /// `content`, `reasoning`, `delimiter`, `call 0`, `arguments 0` or `warning`.
        package var kind: String
        package var text: String
    }
    package private(set) var parts: [Part] = []

    /// - Parameter parser: one that has read nothing.
    init(of output: [UInt8], by parser: OutputParser) {
        var parser = parser
        var position = 0
        // Behind a call the place is found again by the text: arguments are not handed on as they stand there.
        var isExact = true
        var arguments: [UInt8] = []
        var argumentStart = 0
        // What the prompt has of a delimiter or a head is handed on with the rest of it.
        var promptCount = parser.pendingByteCount
        var texts: [(range: Range<Int>, channel: OutputChannel)] = []
        func flush() {
            for (range, channel) in texts {
                parts.append(
                    Part(range: range, kind: "\(channel)", text: String(decoding: output[range], as: UTF8.self)))
            }
            texts = []
        }
        func record(_ piece: OutputPiece, read: Int) {
            switch piece {
            case .text(let channel, let all):
                let bytes = all.dropFirst(promptCount)
                promptCount -= all.count - bytes.count
                if bytes.isEmpty { return }
                if !isExact {
                    position = Self.lastPosition(of: bytes, in: output[position..<read]) ?? read - bytes.count
                    endArguments(at: position)
                }
                isExact = true
                let end = position + bytes.count
                if let last = texts.last, last.channel == channel, last.range.upperBound == position {
                    texts[texts.count - 1].range = last.range.lowerBound..<end
                } else {
                    texts.append((position..<end, channel))
                }
                position = end
                if arguments.isEmpty { argumentStart = end }
            case .call(let number, let name):
                flush()
                parts.append(Part(range: position..<position, kind: "call \(number)", text: name))
                argumentStart = position
                arguments = []
                isExact = false
            case .arguments(_, let bytes):
                // What models write as JSON is handed on byte by byte, from its first brace on.
                if arguments.isEmpty, read > position, bytes.first == output[read - 1] { argumentStart = read - 1 }
                arguments += bytes
            case .callEnd(let number):
                parts.append(
                    Part(
                        range: argumentStart..<read, kind: "arguments \(number)",
                        text: String(decoding: arguments, as: UTF8.self)))
            case .warning(let text):
                flush()
                parts.append(Part(range: position..<position, kind: "warning", text: text))
            }
        }
        for index in output.indices { parser.append(output[index...index]) { record($0, read: index + 1) } }
        parser.finish { record($0, read: output.count) }
        flush()
    }

    /// Where its end is missing, a call is known to be over only when what follows has been read.
    private mutating func endArguments(at position: Int) {
        guard let last = parts.indices.last, parts[last].kind.hasPrefix("arguments") else { return }
        let range = parts[last].range
        parts[last].range = range.lowerBound..<max(range.lowerBound, min(range.upperBound, position))
    }

    private static func lastPosition(of text: ArraySlice<UInt8>, in bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.count >= text.count else { return nil }
        return (bytes.startIndex...bytes.endIndex - text.count).last { bytes[$0...].starts(with: text) }
    }

    /// A line for each part: where it is, what it is, and its text as a JSON string.
    package var lines: [String] {
        parts.map { part in
            "\(part.range.lowerBound)..<\(part.range.upperBound)\t\(part.kind)\t\(JSONValue.string(part.text).text)"
        }
    }
}
