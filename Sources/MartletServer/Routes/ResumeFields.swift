internal import HTTPTypes
internal import MartletAPI
internal import MartletGenerations
internal import MartletStreams
import MartletText

/// The headers of a request that decide the lifetime of its generation.
struct ResumeFields {
    let lifetime: GenerationSpec.Lifetime
    let label: String?

    /// - Parameter resumesAlways: whether streams are resumable without a request for it.
    /// - Throws: `invalidRequest` that names the header, the rule and the value.
    init(_ headers: HTTPFields, _ options: CompletionOptions, resumesAlways: Bool) throws(APIError) {
        if let text = headers[.conversationID] {
            label = try ConversationLabel.checked(text, "Header 'X-Conversation-Id'")
        } else {
            label = nil
        }
        let isRequested: Bool
        switch headers[.streamResume] {
        case nil, "0", "false": isRequested = false
        case "1", "true": isRequested = true
        case let value?:
            throw APIError(
                .invalidRequest,
                "Header 'X-Stream-Resume': Value must be 0 or 1, but got \"\(value.excerpt(bytes: 64))\"",
                field: "X-Stream-Resume")
        }
        if options.isBackground {
            lifetime = .background
        } else if isRequested || label != nil || (resumesAlways && options.streams) {
            lifetime = .resumable
        } else {
            lifetime = .plain
        }
    }
}

/// The rule for labels of conversations.
enum ConversationLabel {
    static let maximumBytes = 256

    /// - Parameter location: the location of the label, for messages.
    static func checked(_ label: String, _ location: String) throws(APIError) -> String {
        guard !label.isEmpty else { throw APIError(.invalidRequest, "\(location): A name is missing") }
        guard label.utf8.count <= maximumBytes else {
            throw APIError(
                .invalidRequest,
                "\(location): At most \(maximumBytes) bytes are allowed, but got \(label.utf8.count)")
        }
        guard label.unicodeScalars.allSatisfy({ $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }) else {
            throw APIError(.invalidRequest, "\(location): Control characters are not allowed")
        }
        // U+FFFD replaces invalid bytes, so it would merge different labels.
        guard !label.unicodeScalars.contains("\u{FFFD}") else {
            throw APIError(.invalidRequest, "\(location): Value must be UTF-8")
        }
        return label
    }
}
