internal import MartletGrammar
internal import MartletJSON
internal import MartletProtocol
internal import MartletSchema
package import MartletStreams

/// The options of a completion as admission resolved them: the client's fields with the server's defaults.
///
/// A journal stores them beside the client's request. A server that is started with other flags makes the same view
/// from them, without validating the request again. Options without influence on a view are left out: the constraint,
/// the limits of grammars and schemas, and the name of the model.
package struct ResolvedOptions: Sendable, Equatable {
    /// The version of the fields. It rises when builds of the version before would misread them; a new field does not
    /// raise it.
    package static let version: UInt64 = 1
    /// The largest number of choices of one journal: a log's records have two bytes for a choice's number.
    private static let choiceLimit = 65_536

    package var options: CompletionOptions
    /// Whether the response begins with its prompt.
    package var echoes: Bool

    /// Makes the resolved form of validated options.
    package init(_ options: CompletionOptions, echoes: Bool) {
        self.options = options
        self.echoes = echoes
    }

    /// The fields for the journal.
    package var bytes: [UInt8] { encoded(Self.version, self) }

    /// Reads the fields.
    /// - Throws: an unknown case if a newer build has written the bytes; another error if they are damaged.
    package init(_ bytes: [UInt8]) throws(FieldError) {
        self = try decoded(bytes, version: Self.version, name: "version of resolved options")
    }
}

/// 1 is the version.
extension ResolvedOptions: FieldRecord {
    package static var blank: Self {
        Self(
            CompletionOptions(
                parameters: GenerationParameters(), reasoningFormat: .auto, schemaCompiler: SchemaCompiler(),
                grammarLimits: .standard),
            echoes: false)
    }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(2, &options.streams)
        try coder.field(3, &options.includesUsage)
        try coder.list(4, &options.warnings)
        try coder.field(5, &options.responseFields)
        try coder.field(6, &options.grammar)
        try coder.field(7, &options.reasoningFormat)
        try coder.field(8, &options.usesPostSamplingProbabilities)
        try coder.field(9, &options.choiceCount)
        var adapters = options.adapters.map { StoredAdapters($0) }
        try coder.field(10, &adapters)
        options.adapters = adapters?.scales
        try coder.field(11, &options.contextShift)
        try coder.field(12, &options.parameters)
        try coder.field(13, &echoes)
        // Inverted, so that journals without the field mean the default.
        var hidesCachedText = !options.showsCachedText
        try coder.field(14, &hidesCachedText)
        options.showsCachedText = !hidesCachedText
    }

    package func validate() throws(FieldError) {
        guard (1...Self.choiceLimit).contains(options.choiceCount) else { throw .invalid("number of choices") }
    }
}

/// A list in a message, so that an empty list differs from none.
private struct StoredAdapters: FieldRecord {
    var scales: [AdapterScale] = []
    static var blank: Self { Self([]) }

    init(_ scales: [AdapterScale]) { self.scales = scales }

    mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) { try coder.list(1, &scales) }
}

extension ResponseFields: FieldRecord {
    package static var blank: Self { Self() }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &timingsPerToken)
        try coder.field(2, &tokens)
        try coder.field(3, &isVerbose)
        try coder.list(4, &members)
    }
}

/// 1 text, 2 whether it is lazy, 3 triggers as JSON.
extension ReportedGrammar: FieldMessage {
    package func write(to writer: inout JournalFieldWriter) {
        var (text, isLazy, triggers) = (self.text, self.isLazy, self.triggers.map(\.text))
        writer.field(1, &text)
        writer.field(2, &isLazy)
        writer.list(3, &triggers)
    }

    package init(from reader: inout JournalFieldReader) throws(FieldError) {
        self.init()
        text = try reader.value(1)
        isLazy = try reader.value(2)
        var triggers: [String] = []
        try reader.list(3, &triggers)
        self.triggers = try triggers.map { text throws(FieldError) in try JSONValue(storedText: text) }
    }
}

extension ReasoningFormat: FieldCase {
    package static var name: StaticString { "reasoning format" }
    package var fieldNumber: UInt64 {
        switch self {
        case .none: 0
        case .auto: 1
        case .deepseek: 2
        case .deepseekLegacy: 3
        }
    }
}

extension JSONValue {
    /// Reads JSON that this server wrote into a journal.
    init(storedText text: String) throws(FieldError) {
        guard let value = try? JSONParser.parse(Array(text.utf8)) else { throw .invalid("JSON") }
        self = value
    }
}

/// The bytes of a value with its version in front.
func encoded(_ version: UInt64, _ value: some FieldMessage) -> [UInt8] {
    var bytes: [UInt8] = []
    JournalFieldWriter.append(to: &bytes) { writer in
        writer.scalar(1, version)
        value.write(to: &writer)
    }
    return bytes
}

/// Reads the bytes of `encoded`.
/// - Throws: an unknown case for a newer version.
func decoded<Value: FieldMessage>(
    _ bytes: [UInt8], version: UInt64, name: StaticString
) throws(FieldError) -> Value {
    var reader = JournalFieldReader(bytes[...])
    let found: UInt64 = try reader.value(1)
    guard found > 0 else { throw .invalid(name) }
    guard found <= version else { throw .unknownCase(of: name, number: found) }
    let value = try Value(from: &reader)
    try reader.finish()
    return value
}
