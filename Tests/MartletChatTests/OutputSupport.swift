import MartletJSON
import MartletJinja
import MartletProtocol
import OrderedCollections
import Testing

@testable import MartletChat

/// A message, folded from the pieces of an output.
struct ReadMessage: Equatable {
    struct Call: Equatable {
        var name: String
        var argumentBytes: [UInt8] = []
        var isComplete = false

        var arguments: String { String(decoding: argumentBytes, as: UTF8.self) }
        /// The arguments with members sorted by key.
        var value: JSONValue? { (try? JSONParser.parse(argumentBytes)).map(ChatFormatRecognition.canonical) }
    }
    private var contentBytes: [UInt8] = []
    private var reasoningBytes: [UInt8] = []
    var calls: [Call] = []
    var warnings: [String] = []
    /// Delimiters and text in their order, without arguments.
    private var allBytes: [UInt8] = []

    var content: String { String(decoding: contentBytes, as: UTF8.self) }
    var reasoning: String { String(decoding: reasoningBytes, as: UTF8.self) }
    var all: String { String(decoding: allBytes, as: UTF8.self) }

    mutating func record(_ piece: OutputPiece) {
        switch piece {
        case .text(let channel, let bytes):
            #expect(!bytes.isEmpty)
            allBytes += bytes
            switch channel {
            case .content: contentBytes += bytes
            case .reasoning: reasoningBytes += bytes
            case .delimiter: break
            }
        case .call(let number, let name):
            #expect(number == calls.count)
            calls.append(Call(name: name))
        case .arguments(let number, let bytes):
            #expect(!bytes.isEmpty)
            calls[number].argumentBytes += bytes
        case .callEnd(let number): calls[number].isComplete = true
        case .warning(let text): warnings.append(text)
        }
    }

    /// The message of `text` in pieces of `size` bytes; nil = in one piece.
    init(
        _ text: String, _ format: PreparedChatFormat, tools: OfferedTools?, after opening: String = "",
        cuts: [Int] = [],
        every size: Int? = nil, showsReasoning: Bool = false, holdsValue: Bool = false
    ) {
        let bytes = Array(text.utf8)
        var parser = OutputParser(
            format, tools: tools, after: opening, showsReasoning: showsReasoning, holdsValue: holdsValue)
        var start = 0
        let ends = size.map { Array(stride(from: $0, to: bytes.count, by: $0)) } ?? cuts
        for end in ends + [bytes.count] {
            parser.append(bytes[start..<end]) { record($0) }
            start = end
        }
        parser.finish { record($0) }
    }
}

extension String {
    var withoutSpaceAround: String { ProvenanceText(self, isTrusted: true).stripped().string }
}
