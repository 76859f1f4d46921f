package import MartletJSON
import MartletProtocol
import OrderedCollections

/// An answer as a message: the fold of what its reader hands on.
package struct ParsedMessage: Sendable, Equatable {
    package struct Call: Sendable, Equatable {
        package var name: String
        fileprivate var argumentBytes: [UInt8] = []
        package fileprivate(set) var isComplete = false

        /// The arguments as JSON; of a call that is cut off, the beginning.
        package var arguments: String { String(decoding: argumentBytes, as: UTF8.self) }
    }
    private var contentBytes: [UInt8] = []
    private var reasoningBytes: [UInt8] = []
    package private(set) var calls: [Call] = []
    package private(set) var warnings: [String] = []

    package var content: String { String(decoding: contentBytes, as: UTF8.self) }
    package var reasoning: String { String(decoding: reasoningBytes, as: UTF8.self) }

    package init() {}

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

    /// `content`, `reasoning_content`, `tool_calls` with `name` and `arguments`; `warnings` where there are some.
    /// Arguments that are cut off are the string that a client would have.
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
