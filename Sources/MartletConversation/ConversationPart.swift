package import MartletJSON

/// A part of a message.
package enum ConversationPart: Sendable, Equatable {
    /// Text of the content.
    case text(String)
    /// An image, a sound or a film of the content.
    case media(MediaReference)
    /// Reasoning of an earlier output.
    case reasoning(ReasoningPart)
    /// A call of a tool by an earlier output.
    case toolCall(ToolCallPart)
    /// The result of a call.
    case toolResult(ToolResultPart)
}

/// Media of a message, without their bytes.
package struct MediaReference: Sendable, Hashable {
    /// The kinds of media. The raw values are the types of parts in chat templates.
    package enum Kind: String, Sendable, CaseIterable {
        case image
        case audio
        case video
    }
    package var kind: Kind
    /// The SHA-256 of the bytes as 64 hexadecimal digits. Equal bytes have one digest, so caches can compare media.
    package var digest: String

    /// Makes a reference to bytes that are stored elsewhere.
    package init(_ kind: Kind, digest: String) {
        self.kind = kind
        self.digest = digest
    }
}

/// Reasoning of an earlier output, as a client sends it back.
package struct ReasoningPart: Sendable, Equatable {
    /// The reasoning; empty if only its encrypted form is known.
    package var text: String
    /// The text that the response carried to prove the origin of the reasoning; nil = none.
    package var signature: String?
    /// Reasoning that another server encrypted; nil = none. No template reads it.
    package var redacted: String?

    /// Makes a part. A signature is not checked here.
    package init(_ text: String, signature: String? = nil, redacted: String? = nil) {
        self.text = text
        self.signature = signature
        self.redacted = redacted
    }
}

/// A call of a tool by an earlier output.
package struct ToolCallPart: Sendable, Equatable {
    /// The arguments in the client's form. The template's adapter converts between both.
    package enum Arguments: Sendable, Equatable {
        /// The text of a JSON object, or the beginning of one.
        case text(String)
        case object(JSONObject)
    }
    /// The client's name of the call; nil = none.
    package var id: String?
    package var name: String
    package var arguments: Arguments
    /// Members that only a template may read, by their names.
    package var templateMembers: JSONObject = [:]

    /// Makes a call.
    package init(id: String?, name: String, arguments: Arguments) {
        self.id = id
        self.name = name
        self.arguments = arguments
    }
}

/// The result of a call of a tool.
package struct ToolResultPart: Sendable, Equatable {
    /// The id of the call; nil = the client names none.
    package var callID: String?
    /// Texts and media in their order.
    package var content: [ConversationPart]
    /// Whether the content is one text, which a template receives as a string.
    package var isPlain: Bool
    /// Whether the client reports that the tool failed.
    package var isError: Bool

    /// Makes a result of parts.
    package init(callID: String?, content: [ConversationPart], isPlain: Bool, isError: Bool = false) {
        self.callID = callID
        self.content = content
        self.isPlain = isPlain
        self.isError = isError
    }
}
