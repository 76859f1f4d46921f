import MartletJSON
import MartletProtocol

/// The parts of an output: which bytes the output parser recognised as what. Printed by `martlet template parse
/// --explain`.
///
/// Example: `<think>Hm.</think>Yes.` has the parts
///
///     0..<7	delimiter	"<think>"
///     7..<10	reasoning	"Hm."
///     10..<18	delimiter	"</think>"
///     18..<22	content	"Yes."
///
/// It is for people, so it is slower than the parser: each byte is appended on its own, and some ranges are searched
/// for.
package struct OutputExplanation: Sendable, Equatable {
    /// A range of bytes that the parser recognised as one thing.
    package struct Part: Sendable, Equatable {
        /// Offsets in bytes of the output, without the prompt. Empty for a call's name and for a warning.
        package var range: Range<Int>
        /// `content`, `reasoning`, `delimiter`, `call 0`, `arguments 0` or `warning`.
        package var kind: String
        /// The text of the range; for arguments their JSON, which may differ from the bytes of the range.
        package var text: String
    }
    package private(set) var parts: [Part] = []

    /// - Parameters:
    ///   - output: all bytes of the output.
    ///   - parser: a parser that has not consumed any byte of the output. The caller's copy is not changed.
    init(of output: [UInt8], by parser: OutputParser) {
        var parser = parser
        var position = 0
        // Arguments are emitted as JSON, not as they stand in the output. So the position behind a call is unknown
        // until text comes, and that text is searched for.
        var isExact = true
        var arguments: [UInt8] = []
        var argumentStart = 0
        // A delimiter or a head that begins in the prompt is emitted as a whole. Its first bytes are not part of the
        // output.
        var promptCount = parser.pendingByteCount
        var texts: [(range: Range<Int>, channel: OutputChannel)] = []
        func flush() {
            for (range, channel) in texts {
                parts.append(
                    Part(range: range, kind: "\(channel)", text: String(decoding: output[range], as: UTF8.self)))
            }
            texts = []
        }
        /// - Parameter read: the number of bytes that the parser has consumed when it emits `piece`.
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
                // Arguments that the model writes as JSON are emitted byte by byte from their first brace on. So the
                // brace is at `read - 1`.
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

    /// Moves the end of the last arguments back to `position`.
    ///
    /// Where the closing delimiter of a call is missing, the parser emits the end of the call only when it has read
    /// more bytes. These bytes are not arguments.
    private mutating func endArguments(at position: Int) {
        guard let last = parts.indices.last, parts[last].kind.hasPrefix("arguments") else { return }
        let range = parts[last].range
        parts[last].range = range.lowerBound..<max(range.lowerBound, min(range.upperBound, position))
    }

    /// The last offset at which `text` begins in `bytes`; nil if there is none. Quadratic, for output of at most 1
    /// MiB.
    private static func lastPosition(of text: ArraySlice<UInt8>, in bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.count >= text.count else { return nil }
        return (bytes.startIndex...bytes.endIndex - text.count).last { bytes[$0...].starts(with: text) }
    }

    /// A line for each part, separated by tabs: range of bytes, kind, and the text as a JSON string.
    package var lines: [String] {
        parts.map { part in
            "\(part.range.lowerBound)..<\(part.range.upperBound)\t\(part.kind)\t\(JSONValue.string(part.text).text)"
        }
    }
}
