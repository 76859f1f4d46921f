import Llama
import MartletProtocol

/// Finds the tokens at which a prompt's boundaries lie.
///
/// The tokens of a prompt are those of its whole text, so a boundary may lie within a token; then the token lies in
/// front of it. Tokenizers that add a space to a text, or change letters, make the count of bytes differ from that of the
/// tokens. The walk below steps over an added space and gives up at any other difference: a boundary that is not found
/// costs a checkpoint and no correctness.
enum TokenBoundaries {
    /// - Parameters:
    ///   - tokens: all tokens of the prompt, with the BOS token if it was added.
    ///   - bytes: the text of a token; control tokens have theirs, too.
    /// - Returns: one boundary per boundary of the prompt that was found, ascending. Several at one token become one.
    /// - Complexity: linear in the bytes of the prompt.
    static func find(
        in prompt: Prompt, tokens: [Int32], beginning: Int32?, bytes: (Int32) -> some Collection<UInt8>
    ) -> [TokenBoundary] {
        guard !prompt.boundaries.isEmpty else { return [] }
        var walk = Walk(tokens: tokens)
        if let beginning, tokens.first == beginning, !begins(prompt, with: beginning, bytes: bytes) { walk.index = 1 }
        var found: [TokenBoundary] = []
        var boundaries = prompt.boundaries[...]
        func add(_ boundary: PromptBoundary, _ index: Int) {
            // Nothing can be retained in front of the first token.
            guard index > 0, index <= tokens.count, index >= found.last?.index ?? 0 else { return }
            if let last = found.last, last.index == index {
                // The later kind is the more special one.
                if boundary.kind.rawValue > last.kind.rawValue { found[found.count - 1].kind = boundary.kind }
                found[found.count - 1].isPinned = last.isPinned || boundary.isPinned
            } else {
                found.append(TokenBoundary(boundary.kind, index: index, isPinned: boundary.isPinned))
            }
        }
        for (number, piece) in prompt.pieces.enumerated() {
            switch piece {
            case .tokens(let ids):
                while let boundary = boundaries.first, boundary.piece == number {
                    boundaries.removeFirst()
                    add(boundary, walk.index + min(max(boundary.offset, 0), ids.count))
                }
                walk.index += ids.count
            case .text(let text, _):
                let utf8 = Array(text.utf8)
                var start = 0
                while let boundary = boundaries.first, boundary.piece == number {
                    boundaries.removeFirst()
                    let offset = min(max(boundary.offset, start), utf8.count)
                    guard walk.consume(utf8[start..<offset], bytes: bytes) else { return found }
                    start = offset
                    add(boundary, walk.index)
                }
                guard !boundaries.isEmpty else { return found }
                guard walk.consume(utf8[start...], bytes: bytes) else { return found }
            }
        }
        // A boundary behind the last piece is the end of the prompt.
        for boundary in boundaries { add(boundary, tokens.count) }
        return found
    }

    /// Whether the prompt's own text or tokens begin with the BOS token.
    private static func begins(
        _ prompt: Prompt, with beginning: Int32, bytes: (Int32) -> some Collection<UInt8>
    ) -> Bool {
        switch prompt.pieces.first {
        case .tokens(let ids)?: ids.first == beginning
        case .text(let text, let isTrusted)?: isTrusted && !text.isEmpty && text.utf8.starts(with: bytes(beginning))
        case nil: false
        }
    }

    /// A position in the tokens and in the text at the same time.
    private struct Walk {
        let tokens: [Int32]
        /// The number of tokens whose text is consumed, a partly consumed one included.
        var index = 0
        /// Bytes of the last of these tokens that the text still has to deliver.
        private var pending: [UInt8] = []

        init(tokens: [Int32]) { self.tokens = tokens }

        /// Moves over a part of the text.
        ///
        /// - Returns: false if the tokens do not have this text.
        mutating func consume(_ text: ArraySlice<UInt8>, bytes: (Int32) -> some Collection<UInt8>) -> Bool {
            for byte in text {
                while pending.isEmpty {
                    guard index < tokens.count else { return false }
                    pending = bytes(tokens[index]).reversed()
                    index += 1
                    // An added space: the text has none here.
                    if pending.last == UInt8(ascii: " "), byte != UInt8(ascii: " ") { pending.removeLast() }
                }
                guard pending.popLast() == byte else { return false }
            }
            return true
        }
    }
}
