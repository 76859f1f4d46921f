package import MartletJSON
import MartletPlatform
package import MartletProtocol
import MartletStreams
import OrderedCollections

/// The body of `/rerank` and its aliases, validated.
///
/// Three families of clients share these routes. Jina and Cohere send `documents` and read `results`. Text Embeddings
/// Inference sends `texts` and reads a list of scores.
package struct RerankRequest: Sendable, Equatable {
    /// A document, and the value that stood for it in the request.
    struct Document: Sendable, Equatable {
        var text: String
        var json: JSONValue
    }

    /// The name in the request; the server decides whether it is known.
    package var model: String?
    var query: String
    /// At least one.
    var documents: [Document]
    /// The number of documents in the response; at least 1.
    var resultCount: Int
    /// Whether each result has its document.
    var returnsDocuments: Bool
    /// Whether the request has the form of Text Embeddings Inference.
    var hasTexts: Bool
    /// Whether a score becomes a number from 0 to 1 by the logistic function.
    var usesLogistic = false
    /// One sentence for each field that had no effect.
    package var warnings: [String] = []

    /// Fields that would change the scores and that this version does not honour.
    private static let unsupported = ["rank_fields", "max_tokens_per_doc", "max_chunks_per_doc"]

    /// - Parameter isStrict: whether an unknown field is an error.
    /// - Throws: `invalidRequest` that names the field, the rule and the value; `notSupported` for fields that would
    ///   change the scores.
    package init(_ json: JSONValue, isStrict: Bool = false) throws(APIError) {
        let fields = try FieldReader(json)
        model = try fields.string("model")
        for name in Self.unsupported {
            guard let value = fields.value(name) else { continue }
            throw APIError(
                .notSupported,
                "Field '\(name)': \(FieldReader.short(value)) is not supported by this version; leave the field out",
                field: name)
        }
        guard let query = try fields.string("query"), !query.isEmpty else {
            throw .field("query", "A text is required, but the field is missing or empty")
        }
        self.query = query
        hasTexts = fields.value("documents") == nil && fields.value("texts") != nil
        documents = try Self.documents(fields, hasTexts ? "texts" : "documents")
        let count = try fields.integer("top_n", in: 1...Int(Int32.max)) ?? documents.count
        resultCount = min(count, documents.count)
        returnsDocuments = try fields.bool(hasTexts ? "return_text" : "return_documents") ?? false
        if hasTexts { usesLogistic = try fields.bool("raw_scores") == false }
        // Clients of several APIs send it with every request.
        fields.accept("stream")
        warnings = try UnusedFields.report(fields, isStrict: isStrict)
    }

    /// Reads a list of strings and of objects with `text`.
    private static func documents(_ fields: FieldReader, _ name: String) throws(APIError) -> [Document] {
        guard let elements = try fields.array(name), !elements.isEmpty else {
            throw .field(name, "A list of at least one document is required, but the field is missing or empty")
        }
        guard elements.count <= PromptFields.countLimit else {
            throw .field(name, "At most \(PromptFields.countLimit) documents are allowed, but got \(elements.count)")
        }
        var documents: [Document] = []
        documents.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            guard let text = element.stringValue ?? element["text"]?.stringValue else {
                throw .field(
                    "\(name)[\(index)]",
                    "Value must be a string or an object with the string 'text', but got \(FieldReader.short(element))")
            }
            documents.append(Document(text: text, json: element.stringValue == nil ? element : ["text": element]))
        }
        return documents
    }

    /// The field with the documents, for error messages.
    package var documentField: String { hasTexts ? "texts" : "documents" }

    /// One input per document, in order.
    package func inputs(_ format: RerankFormat) -> [Prompt] {
        documents.map { format.prompt(query: query, document: $0.text) }
    }

    /// The body of the response: the documents with the highest scores, in descending order. Equal scores keep the
    /// order of the request.
    ///
    /// - Parameter embeddings: the score of each document, as the first element of a vector.
    /// - Complexity: O(*n* log *n*) for *n* documents.
    package func response(_ embeddings: [Embedding], model: String) -> [UInt8] {
        let scores = embeddings.map { score($0.values.first ?? 0) }
        let order = scores.indices.sorted { (scores[$0], $1) > (scores[$1], $0) }.prefix(resultCount)
        var bytes: [UInt8] = []
        if !hasTexts {
            let tokens = embeddings.reduce(0) { $0 + $1.tokenCount }
            JSONText.appendRaw("{\"model\":", to: &bytes)
            JSONText.appendString(model, to: &bytes)
            // Scores have no generated tokens, so both counts are equal.
            JSONText.appendRaw(",\"object\":\"list\",\"usage\":{\"prompt_tokens\":", to: &bytes)
            JSONText.appendInteger(tokens, to: &bytes)
            JSONText.appendRaw(",\"total_tokens\":", to: &bytes)
            JSONText.appendInteger(tokens, to: &bytes)
            JSONText.appendRaw("},\"results\":", to: &bytes)
        }
        JSONText.appendRaw("[", to: &bytes)
        for (place, index) in order.enumerated() {
            JSONText.appendRaw(place == 0 ? "{\"index\":" : ",{\"index\":", to: &bytes)
            JSONText.appendInteger(index, to: &bytes)
            JSONText.appendRaw(hasTexts ? ",\"score\":" : ",\"relevance_score\":", to: &bytes)
            // The shortest decimal that reads back as the same float.
            bytes.append(contentsOf: scores[index].description.utf8)
            if returnsDocuments {
                JSONText.appendRaw(hasTexts ? ",\"text\":" : ",\"document\":", to: &bytes)
                (hasTexts ? .string(documents[index].text) : documents[index].json).write(to: &bytes)
            }
            JSONText.appendRaw("}", to: &bytes)
        }
        JSONText.appendRaw(hasTexts ? "]" : "]}", to: &bytes)
        return bytes
    }

    private func score(_ value: Float) -> Float {
        usesLogistic ? Float(1 / (1 + exp(-Double(value)))) : value
    }
}
