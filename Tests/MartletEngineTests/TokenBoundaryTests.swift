import MartletProtocol
import MartletTestSupport
import Testing

@testable import MartletEngine

/// Boundaries of prompts in tokens. A token is the text of its number in `words`.
@Suite struct TokenBoundaryTests {
    private static let words = ["<s>", "<u>", "<a>", "He", "llo", " ", "\n", " Hi", "x"]

    private static func find(
        _ pieces: [Prompt.Piece], _ boundaries: [PromptBoundary], tokens: [Int32], beginning: Int32? = nil
    ) -> [TokenBoundary] {
        TokenBoundaries.find(
            in: Prompt(pieces: pieces, addsBeginning: true, boundaries: boundaries), tokens: tokens,
            beginning: beginning
        ) { Array(words[Int($0)].utf8) }
    }

    @Test func boundaryInTextBecomesAToken() {
        let pieces: [Prompt.Piece] = [
            .text("<u>", isTrusted: true), .text("Hello", isTrusted: false), .text("\n<u>\n<a>", isTrusted: true),
        ]
        let tokens: [Int32] = [1, 3, 4, 6, 1, 6, 2]
        let boundaries = [
            PromptBoundary(.userMessage, piece: 0, offset: 0), PromptBoundary(.userMessage, piece: 2, offset: 1),
            PromptBoundary(.generationPrompt, piece: 2, offset: 5, isPinned: true),
        ]
        // A boundary in front of the first token is no place for a checkpoint.
        #expect(
            Self.find(pieces, boundaries, tokens: tokens) == [
                TokenBoundary(.userMessage, index: 4), TokenBoundary(.generationPrompt, index: 6, isPinned: true),
            ])
        // With the BOS token everything moves by one.
        #expect(
            Self.find(pieces, boundaries, tokens: [0] + tokens, beginning: 0) == [
                TokenBoundary(.userMessage, index: 1), TokenBoundary(.userMessage, index: 5),
                TokenBoundary(.generationPrompt, index: 7, isPinned: true),
            ])
    }

    @Test func beginningOfThePromptsOwnTextIsNotCountedTwice() {
        let boundaries = [PromptBoundary(.userMessage, piece: 0, offset: 3)]
        #expect(
            Self.find([.text("<s><u>", isTrusted: true)], boundaries, tokens: [0, 1], beginning: 0) == [
                TokenBoundary(.userMessage, index: 1)
            ])
    }

    @Test func tokenAroundABoundaryLiesInFront() {
        let boundaries = [PromptBoundary(.userMessage, piece: 0, offset: 1)]
        #expect(
            Self.find([.text("Hello", isTrusted: true)], boundaries, tokens: [3, 4]) == [
                TokenBoundary(.userMessage, index: 1)
            ])
    }

    @Test func addedSpaceIsSteppedOver() {
        let boundaries = [PromptBoundary(.userMessage, piece: 0, offset: 2)]
        #expect(
            Self.find([.text("Hi<u>", isTrusted: true)], boundaries, tokens: [7, 1]) == [
                TokenBoundary(.userMessage, index: 1)
            ])
        #expect(
            Self.find([.text("Hi<u>", isTrusted: true)], boundaries, tokens: [5, 7, 1]) == [
                TokenBoundary(.userMessage, index: 2)
            ])
    }

    @Test func otherTextEndsTheSearch() {
        let boundaries = [
            PromptBoundary(.userMessage, piece: 0, offset: 3), PromptBoundary(.userMessage, piece: 0, offset: 6),
        ]
        #expect(
            Self.find([.text("<u>y<a>", isTrusted: true)], boundaries, tokens: [1, 8, 2]) == [
                TokenBoundary(.userMessage, index: 1)
            ])
        #expect(Self.find([.text("<u>y<a>", isTrusted: true)], boundaries, tokens: []) == [])
    }

    @Test func piecesOfTokensAreCounted() {
        let pieces: [Prompt.Piece] = [.tokens([8, 8, 8]), .text("<u>", isTrusted: true), .tokens([3])]
        let boundaries = [
            PromptBoundary(.message, piece: 0, offset: 2), PromptBoundary(.userMessage, piece: 1, offset: 0),
            PromptBoundary(.message, piece: 3, offset: 0, isPinned: true),
        ]
        #expect(
            Self.find(pieces, boundaries, tokens: [8, 8, 8, 1, 3]) == [
                TokenBoundary(.message, index: 2), TokenBoundary(.userMessage, index: 3),
                TokenBoundary(.message, index: 5, isPinned: true),
            ])
    }

    /// Places and tokens that do not belong together never trap, and the result is ascending within the tokens.
    @Test(arguments: 1...200 as ClosedRange<UInt64>) func anyInputGivesAscendingTokens(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let tokens = (0..<Int.random(in: 0...12, using: &random)).map { _ in Int32.random(in: 0..<9, using: &random) }
        var pieces: [Prompt.Piece] = []
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            let words = (0..<Int.random(in: 0...4, using: &random)).map { _ in Int.random(in: 0..<9, using: &random) }
            pieces.append(
                Bool.random(using: &random)
                    ? .text(words.map { Self.words[$0] }.joined(), isTrusted: true) : .tokens(words.map(Int32.init)))
        }
        let boundaries = (0..<5).map { _ in
            PromptBoundary(
                .userMessage, piece: Int.random(in: -1...5, using: &random),
                offset: Int.random(in: -3...40, using: &random), isPinned: Bool.random(using: &random))
        }
        let found = Self.find(pieces, boundaries, tokens: tokens, beginning: 0)
        for (left, right) in zip(found, found.dropFirst()) { #expect(left.index < right.index) }
        for boundary in found { #expect((0...tokens.count).contains(boundary.index)) }
    }
}
