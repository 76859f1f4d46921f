package import MartletChat
internal import MartletJSON
package import MartletStreams

/// Everything that the output parser of a completion depends on.
///
/// A journal stores it when the engine receives the first request, as it depends on the model. A server that is started
/// with other flags, or with another chat template, makes the same parser from it, without rendering a template.
package struct ParserDescription: Sendable, Equatable {
    /// The part for output in a chat format.
    package struct ChatOutput: Sendable, Equatable {
        package var format: ChatFormat
        /// The tools that may be called; nil = calls are text.
        package var tools: [OfferedTools.Tool]?
        /// The end of the prompt that belongs to the output.
        package var opening: String
        /// The beginning of the output, which the client sent.
        package var continuation: String
        /// Whether reasoning is part of the content.
        package var showsReasoning: Bool
        /// Whether the content is a value of a response schema.
        package var holdsValue: Bool
        /// Warnings about messages and tools.
        package var warnings: [String]

        /// Describes the output of a chat.
        package init(
            format: ChatFormat, tools: [OfferedTools.Tool]?, opening: String, continuation: String,
            showsReasoning: Bool, holdsValue: Bool = false, warnings: [String]
        ) {
            self.format = format
            self.tools = tools
            self.opening = opening
            self.continuation = continuation
            self.showsReasoning = showsReasoning
            self.holdsValue = holdsValue
            self.warnings = warnings
        }
    }

    /// The version of the fields. It rises when builds of the version before would misread them; a new field does not
    /// raise it.
    package static let version: UInt64 = 1

    /// Warnings about the request, in front of all output.
    package var warnings: [String] = []
    /// nil = the whole output is content.
    package var chat: ChatOutput?

    /// Describes output that is content only.
    package init() {}

    /// The fields for the journal.
    package var bytes: [UInt8] { encoded(Self.version, self) }

    /// Reads the fields.
    /// - Throws: an unknown case if a newer build has written the bytes; another error if they are damaged.
    package init(_ bytes: [UInt8]) throws(FieldError) {
        self = try decoded(bytes, version: Self.version, name: "version of an output parser")
    }

    /// The output parser in its initial state; nil if the whole output is content.
    ///
    /// - Parameter prepare: makes the compiled form of a format, or returns one made before.
    package func parser(_ prepare: (ChatFormat) -> PreparedChatFormat) -> (any OutputParsing)? {
        let parser = chat.map { chat in
            OutputParser(
                prepare(chat.format), tools: chat.tools.map { OfferedTools($0) }, after: chat.opening,
                continuing: chat.continuation, showsReasoning: chat.showsReasoning, holdsValue: chat.holdsValue,
                warnings: chat.warnings)
        }
        return warnings.isEmpty ? parser : WarningParser(warnings, before: parser)
    }
}

/// 1 is the version, 2 warnings, 3 the part for a chat format.
extension ParserDescription: FieldRecord {
    package static var blank: Self { Self() }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.list(2, &warnings)
        try coder.field(3, &chat)
    }
}

/// 1 format, 2 tools, 3 opening, 4 continuation, 5 whether reasoning is content, 6 warnings, 7 whether the
/// content is a value of a schema.
extension ParserDescription.ChatOutput: FieldMessage {
    package func write(to writer: inout JournalFieldWriter) {
        var copy = self
        var tools = self.tools.map { StoredTools($0) }
        writer.field(1, &copy.format)
        writer.field(2, &tools)
        writer.field(3, &copy.opening)
        writer.field(4, &copy.continuation)
        writer.field(5, &copy.showsReasoning)
        writer.list(6, &copy.warnings)
        writer.field(7, &copy.holdsValue)
    }

    package init(from reader: inout JournalFieldReader) throws(FieldError) {
        var format = ChatFormat.blank
        var tools: StoredTools?
        try reader.field(1, &format)
        try reader.field(2, &tools)
        self.init(
            format: format, tools: tools?.tools, opening: try reader.value(3), continuation: try reader.value(4),
            showsReasoning: try reader.value(5), warnings: [])
        try reader.list(6, &warnings)
        try reader.field(7, &holdsValue)
    }
}

/// A list in a message, so that an empty list differs from none.
private struct StoredTools: FieldRecord {
    var tools: [OfferedTools.Tool]
    static var blank: Self { Self([]) }

    init(_ tools: [OfferedTools.Tool]) { self.tools = tools }

    mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) { try coder.list(1, &tools) }
}

/// 1 name, 2 parameters as JSON, 3 whether the schema is strict.
extension OfferedTools.Tool: FieldMessage {
    package func write(to writer: inout JournalFieldWriter) {
        var (name, isStrict) = (self.name, self.isStrict)
        writer.field(1, &name)
        writer.scalar(2, parameters.text)
        writer.field(3, &isStrict)
    }

    package init(from reader: inout JournalFieldReader) throws(FieldError) {
        let name: String = try reader.value(1)
        let parameters = try JSONValue(storedText: try reader.value(2))
        self.init(name: name, parameters: parameters, isStrict: try reader.optional(3))
    }
}
