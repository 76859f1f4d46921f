/// A place in a prompt at which another prompt may part from it: there a checkpoint of the KV cache is worth most.
///
/// Example: the prompt `<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n` has a boundary of kind `userMessage` in
/// front of its first token and one of kind `generationPrompt` in front of `<|im_start|>assistant`.
package struct PromptBoundary: Sendable, Equatable {
    /// The text that begins at a boundary. The raw values are part of frames.
    package enum Kind: UInt8, Sendable, CaseIterable {
        /// A message of any role.
        case message = 0
        /// A message of the user.
        case userMessage = 1
        /// The text that opens the reply.
        case generationPrompt = 2
    }
    package var kind: Kind
    /// The index of the piece that contains the boundary; the number of pieces for the prompt's end.
    package var piece: Int
    /// The bytes of the piece's text, or the tokens of the piece, in front of the boundary.
    package var offset: Int
    /// Whether the client asks to pin the prompt up to here.
    package var isPinned: Bool

    package init(_ kind: Kind, piece: Int, offset: Int, isPinned: Bool = false) {
        self.kind = kind
        self.piece = piece
        self.offset = offset
        self.isPinned = isPinned
    }
}

extension PromptBoundary: Comparable {
    /// The order of places in the prompt.
    package static func < (left: PromptBoundary, right: PromptBoundary) -> Bool {
        (left.piece, left.offset) < (right.piece, right.offset)
    }
}

/// A boundary of a prompt in tokens. The input processor makes it from a `PromptBoundary`.
package struct TokenBoundary: Sendable, Equatable {
    package var kind: PromptBoundary.Kind
    /// The number of tokens in front of the boundary.
    package var index: Int
    package var isPinned: Bool

    package init(_ kind: PromptBoundary.Kind, index: Int, isPinned: Bool = false) {
        self.kind = kind
        self.index = index
        self.isPinned = isPinned
    }
}
