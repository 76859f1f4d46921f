import MartletChat
import MartletJSON
import MartletProtocol
import OrderedCollections

/// Any output of a model has the same message for all cuts. Without calls no byte is lost, and the arguments of a
/// complete call are a JSON object.
enum OutputFuzz {
    /// Each chat format, and each format without reasoning once more with reasoning.
    private static let formats =
        (ChatFormat.all
        + ChatFormat.all.filter { $0.reasoning == nil }.map { format in
            var format = format
            format.reasoning = ChatFormat.Delimiters("<think>", "</think>")
            return format
        }).map(PreparedChatFormat.init)
    private static let tools = OfferedTools([
        OfferedTools.Tool(
            name: "f",
            parameters: [
                "type": "object", "properties": ["s": ["type": "string"], "n": ["type": "integer"], "x": [:]],
            ]),
        OfferedTools.Tool(name: "g", parameters: .null),
    ])

    private struct Message: Equatable {
        var channels: [[UInt8]] = [[], [], []]
        var text: [UInt8] = []
        var calls: [(name: String, arguments: [UInt8], isComplete: Bool)] = []
        var warnings: [String] = []

        static func == (left: Message, right: Message) -> Bool {
            left.channels == right.channels && left.warnings == right.warnings
                && left.calls.elementsEqual(right.calls, by: ==)
        }
    }

    /// The first byte chooses the chat format, the second the size of the pieces.
    static func run(_ input: [UInt8]) -> CInt {
        guard input.count > 2, String(validating: input[2...], as: UTF8.self) != nil else {
            return CorpusDecision.reject
        }
        let format = formats[Int(input[0]) % formats.count]
        let whole = read(input[2...], format, every: input.count)
        precondition(
            read(input[2...], format, every: Int(input[1]) % 7 + 1) == whole, "the message depends on the cuts")
        if whole.calls.isEmpty { precondition(whole.text == Array(input[2...]), "a byte was lost") }
        for call in whole.calls where call.isComplete {
            precondition((try? JSONParser.parse(call.arguments))?.objectValue != nil, "the arguments are no object")
        }
        return CorpusDecision.accept
    }

    private static func read(_ bytes: ArraySlice<UInt8>, _ format: PreparedChatFormat, every size: Int) -> Message {
        var message = Message()
        var parser = OutputParser(format, tools: tools)
        func record(_ piece: OutputPiece) {
            switch piece {
            case .text(let channel, let bytes):
                message.channels[Int(channel.rawValue)] += bytes
                message.text += bytes
            case .call(_, let name): message.calls.append((name, [], false))
            case .arguments(let number, let bytes): message.calls[number].arguments += bytes
            case .callEnd(let number): message.calls[number].isComplete = true
            case .warning(let text): message.warnings.append(text)
            }
        }
        var rest = bytes
        while !rest.isEmpty {
            parser.append(rest.prefix(size), emit: record)
            rest = rest.dropFirst(size)
        }
        parser.finish(emit: record)
        return message
    }
}
