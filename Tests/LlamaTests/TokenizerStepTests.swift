import Foundation
import Testing

@testable import Llama

/// A text that is tokenized in steps has the tokens of the whole, and every step is bounded.
@Suite struct TokenizerStepTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    private static let files = [
        root.appending(path: "Models/fledgling.Q8_0.gguf").path,
        // In a folder next to the project, which need not exist.
        root.deletingLastPathComponent().appending(path: "shared/random-models/qwen2-vocab.gguf").path,
    ].filter { FileManager.default.fileExists(atPath: $0) }

    private func vocabulary(_ path: String) throws -> Vocabulary {
        var options = Model.Options()
        options.vocabularyOnly = true
        return try Vocabulary(model: Model(path: path, options: options))
    }

    /// Tokenizes a text in steps.
    ///
    /// - Returns: the tokens, and the number of bytes of each step.
    private func inSteps(
        _ vocabulary: Vocabulary, _ text: [UInt8], trusted: [Range<Int>], _ limits: Vocabulary.StepLimits
    ) throws -> (tokens: [Int32], steps: [Int]) {
        var (tokens, steps, start): ([Int32], [Int], Int) = ([], [], 0)
        try text.withUnsafeBufferPointer { buffer in
            while start < buffer.count {
                let step = try vocabulary.tokenizeStep(
                    buffer, from: start, trusted: trusted, limits: limits, into: &tokens)
                steps.append(step.byteCount)
                start = step.next
            }
        }
        return (tokens, steps)
    }

    private func whole(_ vocabulary: Vocabulary, _ text: [UInt8], trusted: [Range<Int>]) throws -> [Int32] {
        var tokens: [Int32] = []
        try text.withUnsafeBufferPointer { try vocabulary.tokenize($0, trusted: trusted, into: &tokens) }
        return tokens
    }

    private static let parts = [
        "word", " next", "The", " quick", "\n", "\n\n", "\r\n", "  ", "    ", "\t", " \n", ". ", ", ", "!!", "...",
        "(x)",
        "don't", "I'll ", "12345678", " 42", "3.14", "{\"a\": [1, 2]}", "naïve", " élan", "世界", "。", "你好，", "🦊", "👩‍👩‍👧",
        "\u{3000}", "\u{00A0}", "مرحبا", " שלום", "ру́сский ", "<|im_start|>user\n", "<|im_end|>\n", "<|im_", "</think>",
        "_snake_case",
        "camelCase", "$%&", " @#", "a", "b ", "\u{0}", "\u{FEFF}", "e\u{0301}", " -- ", "==", "//", "#include <x>",
    ]

    @Test(arguments: files) func stepsHaveTheTokensOfTheWhole(path: String) throws {
        let vocabulary = try vocabulary(path)
        let limits = Vocabulary.StepLimits(usual: 48, most: 4_096)
        var random = SystemRandomNumberGenerator()
        var splitCount = 0
        for _ in 0..<400 {
            // Texts with few kinds of parts have unusual statistics.
            let kinds = (0..<Int.random(in: 1...8, using: &random)).map { _ in Self.parts.randomElement() ?? "" }
            let text = Array((0..<120).map { _ in kinds.randomElement() ?? "" }.joined().utf8)
            for trusted in [[], [0..<text.count], [text.count / 3..<text.count / 2]] {
                let (tokens, steps) = try inSteps(vocabulary, text, trusted: trusted, limits)
                #expect(try tokens == whole(vocabulary, text, trusted: trusted), "\(kinds)")
                #expect(steps.allSatisfy { $0 <= limits.most })
                splitCount += steps.count - 1
            }
        }
        #expect(splitCount > 4_000)
    }

    /// Prose, code and JSON of this project.
    @Test(arguments: files) func filesHaveTheTokensOfTheWhole(path: String) throws {
        let vocabulary = try vocabulary(path)
        let limits = Vocabulary.StepLimits(usual: 256, most: 16_384)
        let files = [
            "README.md", "ARCHITECTURE.md", "docs/flags.md", "docs/realtime.asyncapi.yaml", "Package.swift",
            "Sources/Llama/Vocabulary+steps.swift", "Tests/IntegrationTests/Python/openai_sdk.py",
        ]
        for name in files {
            let text = try Array(Data(contentsOf: Self.root.appending(path: name)))
            let (tokens, steps) = try inSteps(vocabulary, text, trusted: [0..<text.count], limits)
            #expect(try tokens == whole(vocabulary, text, trusted: [0..<text.count]), "\(name)")
            #expect(steps.count > text.count / 2 / limits.usual, "\(name): \(steps)")
        }
    }

    /// Also for texts without a position at which they can be split.
    @Test(arguments: files, ["a", "é", " ", "\n", "ab12", "世"]) func noStepIsLong(path: String, part: String) throws {
        let vocabulary = try vocabulary(path)
        let limits = Vocabulary.StepLimits(usual: 1_024, most: 8_192)
        let text = Array(String(repeating: part, count: 100_000 / part.utf8.count).utf8)
        let (tokens, steps) = try inSteps(vocabulary, text, trusted: [], limits)
        #expect(steps.allSatisfy { $0 <= limits.most })
        #expect(steps.reduce(0, +) == text.count)
        #expect(tokens.flatMap { Array(vocabulary.piece($0)) } == text)
    }

    @Test func aLongerTextIsSplitAtTheSamePositions() throws {
        let vocabulary = try vocabulary(Self.files[0])
        let limits = Vocabulary.StepLimits(usual: 64, most: 4_096)
        let text = Array(String(repeating: "Once upon a time there was a bird. ", count: 60).utf8)
        let (_, first) = try inSteps(vocabulary, text, trusted: [], limits)
        let (_, second) = try inSteps(vocabulary, text + Array("It sang every morning.".utf8), trusted: [], limits)
        #expect(first.count > 20)
        #expect(first.dropLast(2) == second.prefix(first.count - 2))
    }

    /// The rule for two bytes, with a small vocabulary.
    @Test(arguments: [
        ("the end", 3, true, true), ("the  end", 3, false, false), ("the \nend", 3, false, false),
        ("the end", 4, false, false),
        ("in a", 2, false, false), ("so. At", 3, true, true), ("do\nit", 3, true, false), ("do\n\nit", 4, false, false),
        ("do\n it", 3, false, false), ("x+y", 2, true, false), ("übel", 1, false, false), ("xü", 1, true, false),
        ("the> end", 4, false, false), ("the\n<end", 4, false, false), ("the ", 3, false, false),
        ("the", 0, false, false),
        ("the", 3, false, false),
    ])
    func aPairThatATokenHasIsNotSplit(text: String, position: Int, isSplit: Bool, isSplitWithSpaces: Bool) {
        for (needsSpace, expected) in [(false, isSplit), (true, isSplitWithSpaces)] {
            var points = SplitPoints(needsSpace: needsSpace)
            for token in ["the", "end", "n a", "x+", "do", "\n\n"] { points.insert(Array(token.utf8)) }
            points.insert(.init(id: 9, text: Array("<s>".utf8), attributes: [.control, .stripsLeft, .stripsRight]))
            let found = Array(text.utf8).withUnsafeBufferPointer { points.allows($0, at: position) }
            #expect(found == expected, "\(text.debugDescription) \(needsSpace)")
        }
    }
}
