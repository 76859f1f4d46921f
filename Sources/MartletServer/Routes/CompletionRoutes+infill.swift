internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletGenerations
internal import MartletJSON
internal import MartletProtocol
internal import OrderedCollections

// Completions within a text. The prompt becomes token ids before the request is admitted, so the body in the journal is
// that of a plain completion.
extension CompletionRoutes {
    /// Adds `/infill`. Editors send it with every pause of typing, so a disconnect ends the work at once.
    func addInfill(to table: inout RouteTable) {
        table.add(.post, "/infill", "/v1/infill") { request, context in
            let json = try await request.json(upTo: configuration.limits.bodyBytes)
            return try await respond(toInfill: json, request.headers, try LeaseTerms(request), on: context)
        }
    }

    /// Lays out the tokens of an infill for its model, and responds as to a `/completion` that continues them.
    ///
    /// Waits for the model, because the layout depends on its vocabulary and on the size of its context.
    /// - Throws: `notSupported` if the vocabulary lacks the tokens; `invalidRequest` that names a field.
    private func respond(
        toInfill json: JSONValue, _ headers: HTTPFields, _ terms: LeaseTerms, on context: EdgeContext
    ) async throws -> Response {
        let request = try InfillRequest(json)
        // All other fields are validated before the texts are tokenized.
        let fields = try nativeRequest(request.completion([0]))
        try checkBudget(of: request)
        let handle = try service.models.model(named: fields.options.model)
        let (tokens, warnings) = try await context.untilDisconnect {
            try await handle.withModel(terms, waits: true) { served in
                let model = served.information
                if let refusal = InfillRequest.refusal(model.infillTokens) { throw refusal }
                let tokenizer = EdgeTokenizer(engine: handle.engine)
                var prompt = try await prompt(of: request, for: model, tokenizer)
                let room = InfillPrompt.Room(
                    batch: model.batchSize, context: model.sequenceContextLength,
                    completion: fields.options.parameters.maximumTokens ?? 0)
                var warnings = prompt.fit(room)
                let (tokens, isShortened) = prompt.tokens(model.infillTokens, in: room)
                if isShortened { warnings.append("input_extra: only the last files fit the context") }
                return (tokens, warnings)
            }
        }
        return try await respond(
            toNative: request.completion(tokens), headers, on: context, warnings: warnings)
    }

    /// Checks the bytes of all texts together, before the worker tokenizes them.
    private func checkBudget(of request: InfillRequest) throws {
        let texts = request.files.flatMap {
            [Prompt.Piece.text($0.name, isTrusted: false), .text($0.text, isTrusted: false)]
        }
        try configuration.limits.text.check(
            [Prompt(pieces: request.prefix + request.suffix + texts, addsBeginning: false)], field: "input_extra")
    }

    /// Tokenizes the texts of a request. Names of files end with a line feed, as in the training of the models.
    private func prompt(
        of request: InfillRequest, for model: ModelInformation, _ tokenizer: EdgeTokenizer
    ) async throws -> InfillPrompt {
        var prompt = InfillPrompt(
            prefix: try await tokenizer.tokens(of: request.prefix),
            suffix: try await tokenizer.tokens(of: request.suffix))
        prompt.beginning = try await tokenizer.tokens(of: request.beginning, isTrusted: true)
        prompt.beginsWithSuffix = configuration.infillsSuffixFirst
        if model.infillTokens.repository != nil {
            prompt.repositoryName = try await tokenizer.tokens(of: "myproject\n")
        }
        if model.infillTokens.separator != nil {
            prompt.fileName = try await tokenizer.tokens(of: "filename\n")
        } else if !request.files.isEmpty {
            prompt.fileDelimiter = try await tokenizer.tokens(of: "\n\n--- snippet ---\n\n")
        }
        for file in request.files {
            prompt.files.append(
                InfillPrompt.File(
                    name: try await tokenizer.tokens(of: file.name + "\n"),
                    text: try await tokenizer.tokens(of: file.text)))
        }
        return prompt
    }

    /// The body of a text completion with its suffix as part of the prompt: its prompts are token ids.
    ///
    /// - Throws: `notSupported` if the model has no tokens for this task; `invalidRequest` if the request reports the
    ///   prompt's tokens.
    func filled(
        _ json: JSONValue, suffix: String, _ request: TextCompletionRequest
    ) async throws -> JSONValue {
        guard !request.options.reportsPromptLogprobs else {
            throw APIError.field(
                "suffix", "Value must be absent if \"echo\" and \"logprobs\" report the prompt's tokens")
        }
        var filled: [JSONValue] = []
        for prompt in request.prompts {
            let tokens = try await tokens(before: prompt.pieces, behind: suffix, model: request.options.model)
            filled.append(.array(tokens.map { .integer(Int64($0)) }))
        }
        guard case .object(var members) = json else { return json }
        members["prompt"] = filled.count == 1 ? filled[0] : .array(filled)
        return .object(members)
    }

    /// The tokens of a prompt for the text between two texts. Waits for the model.
    ///
    /// Nothing is shortened: a prompt that does not fit the context is refused by the engine with its numbers.
    /// - Parameter name: the model in the request.
    /// - Throws: `notSupported` for the field `suffix` if the vocabulary lacks the tokens.
    func tokens(before prefix: [Prompt.Piece], behind suffix: String, model name: String?) async throws -> [Int32] {
        let handle = try service.models.model(named: name)
        return try await handle.withModel(waits: true) { served in
            let special = served.information.infillTokens
            if let refusal = InfillRequest.refusal(special, field: "suffix") { throw refusal }
            let tokenizer = EdgeTokenizer(engine: handle.engine)
            var infill = InfillPrompt(
                prefix: try await tokenizer.tokens(of: prefix.map(\.untrusted)),
                suffix: try await tokenizer.tokens(of: suffix))
            infill.beginsWithSuffix = configuration.infillsSuffixFirst
            return infill.tokens(special).tokens
        }
    }
}

extension Prompt.Piece {
    /// The same piece, whose text is never a control token.
    fileprivate var untrusted: Prompt.Piece {
        if case .text(let text, _) = self { .text(text, isTrusted: false) } else { self }
    }
}

/// Has the worker tokenize the texts of an infill.
private struct EdgeTokenizer {
    let engine: any EngineService

    /// The tokens of one text, without a token at its beginning.
    func tokens(of text: String, isTrusted: Bool = false) async throws -> [Int32] {
        try await tokens(of: [.text(text, isTrusted: isTrusted)])
    }

    /// The tokens of texts and tokens, which the worker joins.
    func tokens(of pieces: [Prompt.Piece]) async throws -> [Int32] {
        try await engine.tokenize(Prompt(pieces: pieces, addsBeginning: false)).map(\.id)
    }
}
