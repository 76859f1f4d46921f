package import MartletJSON
package import MartletProtocol
import MartletStreams
import MartletText
import OrderedCollections

/// The body of `/v1/embeddings` and `/embedding`, validated.
package struct EmbeddingRequest: Sendable, Equatable {
    /// The encoding of a vector in the response.
    package enum Encoding: String, Sendable, CaseIterable {
        /// A JSON array of numbers.
        case float
        /// Little-endian 32-bit floats as base64.
        case base64
    }

    /// One prompt per embedding, in the order of the response.
    package var inputs: [Prompt]
    /// The name in the request; the server decides whether it is known.
    package var model: String?
    package var normalization: EmbeddingNormalization
    package var encoding: Encoding
    /// The number of leading elements of each vector in the response; nil = all.
    package var dimensions: Int?
    /// Whether the response has OpenAI's format; otherwise it has llama-server's.
    package var isOpenAI: Bool
    /// One sentence for each field that had no effect.
    package var warnings: [String] = []

    /// - Parameters:
    ///   - isOpenAI: whether the route is OpenAI's. A body with `content` gets llama-server's format there too.
    ///   - normalization: the server's default, for a request without `embd_normalize`.
    ///   - isStrict: whether an unknown field is an error.
    /// - Throws: `invalidRequest` that names the field, the rule and the value.
    package init(
        _ json: JSONValue, isOpenAI: Bool, normalization: EmbeddingNormalization = .euclidean, isStrict: Bool = false
    ) throws(APIError) {
        let fields = try FieldReader(json)
        fields.know(["content"])
        if let input = fields.value("input") {
            inputs = try Self.prompts(input, name: "input")
            self.isOpenAI = isOpenAI
        } else if let content = fields.value("content") {
            inputs = try Self.prompts(content, name: "content")
            self.isOpenAI = false
        } else {
            throw .field("input", "A text or a list of texts or tokens is required, but the field is missing")
        }
        model = try fields.string("model")
        let number = try fields.integer("embd_normalize", in: -1...Int(Int32.max))
        self.normalization = number.map(EmbeddingNormalization.init) ?? normalization
        encoding = .float
        if let name = try fields.string("encoding_format") {
            guard let known = Encoding(rawValue: name) else {
                throw .field(
                    "encoding_format", "Value must be \"float\" or \"base64\", but got \"\(name.excerpt(bytes: 64))\"")
            }
            encoding = known
        }
        dimensions = try fields.integer("dimensions", in: 1...Int(Int32.max))
        // Clients of several APIs send it with every request.
        fields.accept("stream")
        warnings = try UnusedFields.report(fields, isStrict: isStrict)
    }

    /// Reads one or more inputs: prompts as in `/completion`, or typed parts. Typed parts are a list, or
    /// `{"content": [part, …]}` as the only input or among others.
    private static func prompts(_ value: JSONValue, name: String) throws(APIError) -> [Prompt] {
        if let prompt = try typed(value, name: name) { return [prompt] }
        guard let elements = value.arrayValue, elements.contains(where: { $0["content"] != nil }) else {
            return try PromptFields.read(value, name: name).prompts
        }
        guard elements.count <= PromptFields.countLimit else {
            throw .field(name, "At most \(PromptFields.countLimit) inputs are allowed, but got \(elements.count)")
        }
        var prompts: [Prompt] = []
        for (index, element) in elements.enumerated() {
            let name = "\(name)[\(index)]"
            if let prompt = try typed(element, name: name) {
                prompts.append(prompt)
            } else {
                prompts.append(try PromptFields.one(element, name: name))
            }
        }
        return prompts
    }

    /// - Returns: the input that typed parts describe; nil if the value has no typed parts.
    private static func typed(_ value: JSONValue, name: String) throws(APIError) -> Prompt? {
        let parts: [JSONValue]
        if let elements = value.arrayValue, elements.first?["type"] != nil {
            parts = elements
        } else if let content = value["content"] {
            guard let elements = content.arrayValue else {
                throw .field("\(name).content", "Value must be a list of parts, but is \(content.kindName)")
            }
            parts = elements
        } else {
            return nil
        }
        let text = try ContentParts.chat.texts(
            of: parts, at: value.arrayValue == nil ? "\(name).content" : name
        ).joined()
        return Prompt(pieces: [.text(text, isTrusted: true)], addsBeginning: true)
    }

    /// Checks that the format of the response can represent the pooling of the server.
    /// - Throws: `invalidRequest` for OpenAI's format without pooling, which has one vector per input only.
    package func check(_ pooling: EmbeddingPooling) throws(APIError) {
        guard isOpenAI, pooling == .none else { return }
        throw APIError(
            .invalidRequest,
            "Pooling type 'none' is not OAI compatible: it has one vector per token. "
                + "Use /embedding, or start the server with another --pooling")
    }

    /// The body of the response.
    /// - Parameters:
    ///   - embeddings: one per input, in order.
    ///   - pooling: the way in which the engine made one vector of the tokens'.
    /// - Throws: `invalidRequest` if the vectors have fewer than `dimensions` elements.
    package func response(
        _ embeddings: [Embedding], pooling: EmbeddingPooling, model: String
    ) throws(APIError) -> [UInt8] {
        // The length is known only after the computation, as it depends on the model.
        if let dimensions, let length = embeddings.first?.length, dimensions > length {
            throw .field("dimensions", "Value must be between 1 <= value <= \(length), but got \(dimensions)")
        }
        var bytes: [UInt8] = []
        if isOpenAI {
            writeOpenAI(embeddings, pooling, model, to: &bytes)
        } else {
            writeLlamaServer(embeddings, pooling, to: &bytes)
        }
        return bytes
    }

    /// Writes `[{"index":0,"embedding":[[…]]},…]`: without pooling one vector per token.
    private func writeLlamaServer(_ embeddings: [Embedding], _ pooling: EmbeddingPooling, to bytes: inout [UInt8]) {
        JSONText.appendRaw("[", to: &bytes)
        for (index, embedding) in embeddings.enumerated() {
            JSONText.appendRaw(index == 0 ? "{\"index\":" : ",{\"index\":", to: &bytes)
            JSONText.appendInteger(index, to: &bytes)
            JSONText.appendRaw(",\"embedding\":[", to: &bytes)
            for (row, vector) in embedding.vectors.enumerated() {
                if row > 0 { JSONText.appendRaw(",", to: &bytes) }
                Self.write(finished(vector, pooling), to: &bytes)
            }
            JSONText.appendRaw("]}", to: &bytes)
        }
        JSONText.appendRaw("]", to: &bytes)
    }

    /// Writes OpenAI's list with usage.
    private func writeOpenAI(
        _ embeddings: [Embedding], _ pooling: EmbeddingPooling, _ model: String, to bytes: inout [UInt8]
    ) {
        JSONText.appendRaw("{\"model\":", to: &bytes)
        JSONText.appendString(model, to: &bytes)
        // Embeddings have no generated tokens, so both counts are equal.
        let tokens = embeddings.reduce(0) { $0 + $1.tokenCount }
        JSONText.appendRaw(",\"object\":\"list\",\"usage\":{\"prompt_tokens\":", to: &bytes)
        JSONText.appendInteger(tokens, to: &bytes)
        JSONText.appendRaw(",\"total_tokens\":", to: &bytes)
        JSONText.appendInteger(tokens, to: &bytes)
        JSONText.appendRaw("},\"data\":[", to: &bytes)
        for (index, embedding) in embeddings.enumerated() {
            JSONText.appendRaw(index == 0 ? "{\"embedding\":" : ",{\"embedding\":", to: &bytes)
            let vector = finished(embedding.values[...], pooling)
            switch encoding {
            case .float: Self.write(vector, to: &bytes)
            case .base64: JSONText.appendString(Base64.encode(vector), to: &bytes)
            }
            JSONText.appendRaw(",\"index\":", to: &bytes)
            JSONText.appendInteger(index, to: &bytes)
            JSONText.appendRaw(",\"object\":\"embedding\"", to: &bytes)
            if encoding == .base64 { JSONText.appendRaw(",\"encoding_format\":\"base64\"", to: &bytes) }
            JSONText.appendRaw("}", to: &bytes)
        }
        JSONText.appendRaw("]}", to: &bytes)
    }

    /// The vector of the response: truncated, then normalized. Vectors of single tokens and scores of a reranker are
    /// not
    /// normalized, as at llama-server.
    private func finished(_ vector: ArraySlice<Float>, _ pooling: EmbeddingPooling) -> [Float] {
        let truncated = vector.prefix(dimensions ?? .max)
        switch pooling {
        case .none, .rank: return Array(truncated)
        case .mean, .first, .last: return normalization.apply(to: truncated)
        }
    }

    /// Appends a vector as a JSON array.
    static func write(_ vector: [Float], to bytes: inout [UInt8]) {
        JSONText.appendRaw("[", to: &bytes)
        for (index, value) in vector.enumerated() {
            if index > 0 { JSONText.appendRaw(",", to: &bytes) }
            // The shortest decimal that reads back as the same float.
            bytes.append(contentsOf: value.isFinite ? value.description.utf8 : "null".utf8)
        }
        JSONText.appendRaw("]", to: &bytes)
    }
}
