import Foundation
import Testing

@testable import Llama

/// Tokens equal those of libllama, except for control tokens in text that is not trusted.
@Suite struct TokenizerTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    private static let fledgling = root.appending(path: "Models/fledgling.Q8_0.gguf").path
    /// In a folder next to the project, which need not exist.
    private static let qwen = root.deletingLastPathComponent()
        .appending(path: "shared/random-models/qwen2-vocab.gguf").path

    private static let files = [fledgling, qwen].filter { FileManager.default.fileExists(atPath: $0) }

    private func vocabulary(_ path: String) throws -> Vocabulary {
        var options = Model.Options()
        options.vocabularyOnly = true
        return try Vocabulary(model: Model(path: path, options: options))
    }

    private func tokens(_ vocabulary: Vocabulary, _ text: [UInt8], trusted: [Range<Int>]) throws -> [Int32] {
        var tokens: [Int32] = []
        try text.withUnsafeBufferPointer { try vocabulary.tokenize($0, trusted: trusted, into: &tokens) }
        return tokens
    }

    private func reference(_ vocabulary: Vocabulary, _ text: [UInt8], parsesSpecial: Bool) throws -> [Int32] {
        var tokens: [Int32] = []
        try text.withUnsafeBufferPointer {
            try vocabulary.tokenizeWhole($0, parsesSpecial: parsesSpecial, into: &tokens)
        }
        return tokens
    }

    private static let parts = [
        "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<think>", "</think>", "<tool_call>", "</tool_call>",
        "<|im_", "start|>", "im_end|>", "<|", "|>", "<", "user", "assistant", "\n", "\n\n", " ", "  ", "\t", "a",
        "Hello",
        " world", "12345", "3.14", "don't", "é", "世界", "🦊", "👩‍👩‍👧", "{\"a\": [1, 2]}", "<|im_start|", "\u{0}", "\u{FEFF}",
        "ﷺ",
    ]

    @Test(arguments: files)
    func trustedTextHasTheTokensOfLibllama(path: String) throws {
        let vocabulary = try vocabulary(path)
        for _ in 0..<3000 {
            let text = (0..<Int.random(in: 0...14)).map { _ in Self.parts.randomElement() ?? "" }.joined()
            let bytes = Array(text.utf8)
            let ours = try tokens(vocabulary, bytes, trusted: [0..<bytes.count])
            #expect(try ours == reference(vocabulary, bytes, parsesSpecial: true), "\(text.debugDescription)")
            let untrusted = try tokens(vocabulary, bytes, trusted: [])
            #expect(try untrusted == reference(vocabulary, bytes, parsesSpecial: false), "\(text.debugDescription)")
        }
    }

    @Test(arguments: files)
    func onlyWhollyTrustedControlTokensCount(path: String) throws {
        let vocabulary = try vocabulary(path)
        let whole = Array("a<|im_end|>b".utf8)
        let control = try #require(vocabulary.specialTokens.token(of: Array("<|im_end|>".utf8)))
        #expect(try tokens(vocabulary, whole, trusted: [0..<whole.count]).contains(control))
        #expect(try tokens(vocabulary, whole, trusted: [1..<11]).contains(control))
        for trusted in [[], [0..<10], [2..<12], [0..<5, 6..<12]] as [[Range<Int>]] {
            #expect(try !tokens(vocabulary, whole, trusted: trusted).contains(control), "\(trusted)")
        }
    }

    @Test(arguments: files)
    func textAroundUntrustedDelimitersIsTokenizedAsOne(path: String) throws {
        let vocabulary = try vocabulary(path)
        for _ in 0..<500 {
            // Without texts of delimiters the bounds of trust make no difference.
            let safe = ["Hello", " world", "12", "345", "\n", " ", "é", "世界", "don", "'t", "<", "|"]
            let pieces = (0..<8).map { _ in Array((safe.randomElement() ?? "").utf8) }
            var trusted: [Range<Int>] = []
            var text: [UInt8] = []
            for (index, piece) in pieces.enumerated() {
                if index % 2 == 0, !piece.isEmpty { trusted.append(text.count..<(text.count + piece.count)) }
                text += piece
            }
            #expect(try tokens(vocabulary, text, trusted: trusted) == reference(vocabulary, text, parsesSpecial: true))
        }
    }

    @Test(arguments: files)
    func piecesEqualThoseOfLibllama(path: String) throws {
        let vocabulary = try vocabulary(path)
        for text in ["Hello world", "Grüße, 世界! 🦊", "<|im_start|>user\n<|im_end|>"] {
            let bytes = Array(text.utf8)
            let tokens = try tokens(vocabulary, bytes, trusted: [0..<bytes.count])
            #expect(tokens.flatMap { vocabulary.piece($0) } == bytes)
        }
        #expect(!vocabulary.isValid(-1))
        #expect(!vocabulary.isValid(Int32(vocabulary.count)))
    }

    @Test func stripAttributesRemoveWhiteSpace() {
        let partition = SpecialTokenPartition([
            .init(id: 1, text: Array("<m>".utf8), attributes: [.control, .stripsLeft]),
            .init(id: 2, text: Array("<r>".utf8), attributes: [.control, .stripsRight]),
            .init(id: 3, text: Array("<m><r>".utf8), attributes: [.userDefined]),
        ])
        func segments(_ text: String) -> [SpecialTokenPartition.Segment] {
            Array(text.utf8).withUnsafeBufferPointer { partition.segments(of: $0, trusted: [0..<$0.count]) }
        }
        #expect(segments("a \n<m> b") == [.text(0..<1), .token(1), .text(6..<8)])
        #expect(segments("a <r> \t b") == [.text(0..<2), .token(2), .text(8..<9)])
        #expect(segments("  <m><m>") == [.token(1), .token(1)])
        #expect(segments("x<m><r>y") == [.text(0..<1), .token(3), .text(7..<8)])
        #expect(segments("") == [])
    }
}
