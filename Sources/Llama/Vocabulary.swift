import CLlama

/// The tokens of a model as tables, so that reading them needs no C call.
///
/// Built once per model (152,000 tokens: about 20 ms and 2 MB), immutable afterwards; any thread may read it.
package final class Vocabulary: Sendable {
    /// Retains the C vocabulary.
    let model: Model
    package let kind: Int32
    package let count: Int
    package let beginning: Int32?
    package let end: Int32?
    /// Whether texts of the model's training begin with `beginning`.
    package let addsBeginning: Bool
    /// The token that ends an input for embeddings, as in the training of the model; `nil` = none.
    package let closing: Int32?
    /// The token that separates two texts of one input; `nil` = none is added.
    package let separator: Int32?
    /// Whether texts of the model's training end with `end`.
    package let addsEnd: Bool
    /// The tokens of fill in the middle: prefix, suffix, middle, repository, file; `nil` = the vocabulary lacks it.
    package let infill: [Int32?]
    /// Tokens that end a generation, ascending.
    package let endOfGeneration: [Int32]
    /// Tokens that are never sampled, according to the model file.
    package let suppressed: [Int32]
    /// Finds special tokens in text.
    package let specialTokens: SpecialTokenPartition
    /// Finds positions at which a text can be tokenized in parts.
    let splitPoints: SplitPoints

    private let bytes: [UInt8]
    /// `count + 1` entries: token `i` is `bytes[offsets[i]..<offsets[i + 1]]`.
    private let offsets: [UInt32]
    private let attributes: [TokenAttributes]
    /// The largest number of bytes of text that one token stands for; `nil` if the tokenizer may drop text, so that
    /// there is no bound.
    package let longestTokenByteCount: Int?

    package init(model: Model) throws(LlamaError) {
        self.model = model
        let pointer = llama_model_get_vocab(model.pointer)
        let kind = llama_vocab_type(pointer)
        guard kind != LLAMA_VOCAB_TYPE_NONE else {
            throw LlamaError(.loadFailed, "The model \(model.path) has no vocabulary.")
        }
        self.kind = Int32(kind.rawValue)
        let count = llama_vocab_n_tokens(pointer)
        self.count = Int(count)
        let (bos, eos) = (llama_vocab_bos(pointer), llama_vocab_eos(pointer))
        beginning = bos >= 0 ? bos : nil
        end = eos >= 0 ? eos : nil
        addsBeginning = bos >= 0 && llama_vocab_get_add_bos(pointer)
        let separator = llama_vocab_get_add_sep(pointer) ? llama_vocab_sep(pointer) : -1
        self.separator = separator >= 0 ? separator : nil
        addsEnd = llama_vocab_get_add_eos(pointer)
        infill = [
            llama_vocab_fim_pre, llama_vocab_fim_suf, llama_vocab_fim_mid, llama_vocab_fim_rep, llama_vocab_fim_sep,
        ].map { token in token(pointer) >= 0 ? token(pointer) : nil }
        closing = separator >= 0 ? separator : llama_vocab_get_add_eos(pointer) && eos >= 0 ? eos : nil
        var suppressedCount: Int32 = 0
        let suppressed = llama_vocab_get_suppress_tokens(pointer, &suppressedCount)
        self.suppressed = Array(UnsafeBufferPointer(start: suppressed, count: Int(suppressedCount)))

        var bytes: [UInt8] = []
        var offsets: [UInt32] = [0]
        var attributes: [TokenAttributes] = []
        var endOfGeneration: [Int32] = []
        var special: [SpecialTokenPartition.Token] = []
        var splitPoints = SplitPoints(needsSpace: Self.addsSpace(pointer))
        bytes.reserveCapacity(Int(count) * 7)
        offsets.reserveCapacity(Int(count) + 1)
        attributes.reserveCapacity(Int(count))
        var buffer = [CChar](repeating: 0, count: 512)
        for id in 0..<count {
            var length = llama_token_to_piece(pointer, id, &buffer, Int32(buffer.count), 0, true)
            if length < 0 {
                buffer = [CChar](repeating: 0, count: Int(-length))
                length = llama_token_to_piece(pointer, id, &buffer, Int32(buffer.count), 0, true)
            }
            for index in 0..<Int(max(0, length)) { bytes.append(UInt8(bitPattern: buffer[index])) }
            offsets.append(UInt32(bytes.count))
            var attribute = TokenAttributes(rawValue: UInt32(llama_vocab_get_attr(pointer, id).rawValue))
            if llama_vocab_is_eog(pointer, id) {
                attribute.insert(.endOfGeneration)
                endOfGeneration.append(id)
            }
            attributes.append(attribute)
            if !attribute.isDisjoint(with: .special), let text = llama_vocab_get_text(pointer, id) {
                let length = strlenOf(text)
                let bytes = UnsafeRawBufferPointer(start: text, count: length)
                special.append(.init(id: id, text: [UInt8](bytes), attributes: attribute))
                if let token = special.last { splitPoints.insert(token) }
            } else {
                splitPoints.insert(bytes[Int(offsets[Int(id)])...])
            }
        }
        let keepsText = kind == LLAMA_VOCAB_TYPE_SPM || kind == LLAMA_VOCAB_TYPE_BPE
        longestTokenByteCount =
            keepsText
            ? max(
                1, zip(offsets, offsets.dropFirst()).map { Int($1 - $0) }.max() ?? 1,
                special.map(\.text.count).max() ?? 1)
            : nil
        self.bytes = bytes
        self.offsets = offsets
        self.attributes = attributes
        self.endOfGeneration = endOfGeneration
        specialTokens = SpecialTokenPartition(special)
        self.splitPoints = splitPoints
    }

    /// Whether the tokenizer puts a space before each text.
    private static func addsSpace(_ vocabulary: OpaquePointer?) -> Bool {
        var tokens = [llama_token](repeating: 0, count: 8)
        guard llama_tokenize(vocabulary, "a", 1, &tokens, Int32(tokens.count), false, false) > 0 else { return false }
        var piece: [CChar] = [0, 0, 0, 0]
        return llama_token_to_piece(vocabulary, tokens[0], &piece, Int32(piece.count), 0, true) > 0
            && piece[0] == CChar(bitPattern: UInt8(ascii: " "))
    }

    /// Whether `token` is an id of this vocabulary.
    package func isValid(_ token: Int32) -> Bool { token >= 0 && Int(token) < count }

    /// The bytes of `token`, also of control tokens. They may be part of a UTF-8 character.
    ///
    /// - Precondition: `isValid(token)`.
    package func piece(_ token: Int32) -> ArraySlice<UInt8> {
        bytes[Int(offsets[Int(token)])..<Int(offsets[Int(token) + 1])]
    }

    /// The attributes of `token`.
    ///
    /// - Precondition: `isValid(token)`.
    package func attributes(_ token: Int32) -> TokenAttributes { attributes[Int(token)] }

    /// The text of a token for messages; "" for `nil`.
    package func text(_ token: Int32?) -> String {
        token.map { String(decoding: piece($0), as: UTF8.self) } ?? ""
    }
}

private func strlenOf(_ text: UnsafePointer<CChar>) -> Int {
    var length = 0
    while text[length] != 0 { length += 1 }
    return length
}
