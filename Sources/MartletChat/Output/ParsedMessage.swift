package import MartletJSON
import MartletProtocol
import OrderedCollections

/// An output as a message: the fold of the parser's pieces.
///
/// Used where no stream is needed: `martlet template parse`, the recognition of formats, and tests.
package struct ParsedMessage: Sendable, Equatable {
    /// One tool call of the message.
    package struct Call: Sendable, Equatable {
        package var name: String
        fileprivate var argumentBytes: [UInt8] = []
        /// Whether the parser has seen the end of the call.
        package fileprivate(set) var isComplete = false

        /// The arguments as JSON; only their beginning if the call is incomplete.
        package var arguments: String { String(decoding: argumentBytes, as: UTF8.self) }
    }
    private var contentBytes: [UInt8] = []
    private var reasoningBytes: [UInt8] = []
    package private(set) var calls: [Call] = []
    package private(set) var warnings: [String] = []

    package var content: String { String(decoding: contentBytes, as: UTF8.self) }
    package var reasoning: String { String(decoding: reasoningBytes, as: UTF8.self) }

    /// An empty message.
    package init() {}

    /// Appends a piece. Delimiters are no part of a message.
    mutating func append(_ piece: OutputPiece) {
        switch piece {
        case .text(.content, let bytes): contentBytes += bytes
        case .text(.reasoning, let bytes): reasoningBytes += bytes
        case .text(.delimiter, _): break
        case .call(_, let name): calls.append(Call(name: name))
        case .arguments(let number, let bytes): calls[number].argumentBytes += bytes
        case .callEnd(let number): calls[number].isComplete = true
        case .warning(let text): warnings.append(text)
        }
    }

    /// The message as `martlet template parse` prints it: `content`, `reasoning_content`, `tool_calls` with `name` and
    /// `arguments`, and `warnings` if there are any.
    ///
    /// Arguments of an incomplete call are a string, as a client would have received them.
    package var json: JSONValue {
        var members: JSONObject = [
            "content": .string(content), "reasoning_content": .string(reasoning),
            "tool_calls": .array(
                calls.map { call in
                    let arguments = call.isComplete ? try? JSONParser.parse(call.argumentBytes) : nil
                    return ["name": .string(call.name), "arguments": arguments ?? .string(call.arguments)]
                }),
        ]
        if !warnings.isEmpty { members["warnings"] = .array(warnings.map { .string($0) }) }
        return .object(members)
    }
}
