package import MartletJSON
package import MartletProtocol
import MartletStreams
import OrderedCollections

/// The body of `/api/embed` and of the older `/api/embeddings`, validated.
package struct OllamaEmbedRequest: Sendable, Equatable {
    /// One prompt per embedding.
    package var inputs: [Prompt]
    /// The name in the request; the server decides whether it is known.
    package var model: String?
    /// The number of leading elements of each vector in the response; nil = all.
    package var dimensions: Int?
    /// The time for which the model remains loaded; negative = for ever, nil = the server's default.
    package var keepAlive: Duration?
    /// Whether the route is the older one, with one prompt and a vector that is not normalized.
    package var isOlder: Bool
    /// One sentence for each field that had no effect.
    private var warnings: [String] = []

    /// - Parameters:
    ///   - isOlder: whether the route is `/api/embeddings`.
    ///   - isStrict: whether an unknown field is an error.
    /// - Throws: `invalidRequest` that names the field, the rule and the value.
    package init(_ json: JSONValue, isOlder: Bool, isStrict: Bool = false) throws(APIError) {
        let fields = try FieldReader(json)
        self.isOlder = isOlder
        model = try fields.string("model").map(OllamaFields.modelName)
        let name = isOlder ? "prompt" : "input"
        let value = fields.value(name)
        var texts: [String] = []
        switch value {
        case .string(let text)?: texts = [text]
        case .array(let elements)? where !isOlder && elements.count <= PromptFields.countLimit:
            for (index, element) in elements.enumerated() {
                guard let text = element.stringValue else {
                    throw .field("input[\(index)]", "Value must be a string, but got \(FieldReader.short(element))")
                }
                texts.append(text)
            }
        case nil: throw .field(name, "A text is required, but the field is missing")
        case let other?:
            throw .field(
                name,
                "Value must be \(isOlder ? "a string" : "a string or a list of strings"), but is \(other.kindName)")
        }
        inputs = texts.map { Prompt(pieces: [.text($0, isTrusted: false)], addsBeginning: true) }
        dimensions = isOlder ? nil : try fields.integer("dimensions", in: 1...Int(Int32.max))
        // An input that is too long is refused with its numbers, with and without `truncate`.
        fields.accept("truncate", "options")
        keepAlive = try KeepAliveField.read(OllamaFields.readKeepAlive(fields).map { .number($0) })
        warnings = try UnusedFields.report(fields, isStrict: isStrict)
    }

    /// The sentences about fields that had no effect.
    /// - Parameter unloadsModels: whether the model can be unloaded, so that `keep_alive` has an effect.
    package func warnings(unloadsModels: Bool) -> [String] {
        keepAlive == nil || unloadsModels ? warnings : [OllamaFields.keepAliveWarning] + warnings
    }

    /// The body of the response.
    /// - Parameters:
    ///   - embeddings: one per input, in order.
    ///   - duration: the time of the computation.
    /// - Throws: `invalidRequest` if the vectors have fewer than `dimensions` elements.
    package func response(
        _ embeddings: [Embedding], model: String, duration: Duration
    ) throws(APIError) -> [UInt8] {
        if let dimensions, let length = embeddings.first?.length, dimensions > length {
            throw .field("dimensions", "Value must be between 1 <= value <= \(length), but got \(dimensions)")
        }
        var bytes: [UInt8] = []
        if isOlder {
            JSONText.appendRaw("{\"embedding\":", to: &bytes)
            EmbeddingRequest.write(embeddings.first?.values ?? [], to: &bytes)
            JSONText.appendRaw("}", to: &bytes)
            return bytes
        }
        JSONText.appendRaw("{\"model\":", to: &bytes)
        JSONText.appendString(model, to: &bytes)
        JSONText.appendRaw(",\"embeddings\":[", to: &bytes)
        for (index, embedding) in embeddings.enumerated() {
            if index > 0 { JSONText.appendRaw(",", to: &bytes) }
            let vector = embedding.values.prefix(dimensions ?? .max)
            EmbeddingRequest.write(EmbeddingNormalization.euclidean.apply(to: vector), to: &bytes)
        }
        JSONText.appendRaw("],\"total_duration\":", to: &bytes)
        JSONText.appendInteger(OllamaTime.nanoseconds(duration), to: &bytes)
        JSONText.appendRaw(",\"load_duration\":0,\"prompt_eval_count\":", to: &bytes)
        JSONText.appendInteger(embeddings.reduce(0) { $0 + $1.tokenCount }, to: &bytes)
        JSONText.appendRaw("}", to: &bytes)
        return bytes
    }
}
