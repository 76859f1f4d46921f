import Foundation
import Testing

@testable import Llama

/// A saved state continues like the original, for every kind of memory.
@Suite struct StateTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    /// The demo model, and random models with other kinds of memory if the set-up could make them.
    static let models =
        [root.appending(path: "Models/fledgling.Q8_0.gguf").path]
        + uncuttable
    static let uncuttable = ["micro-swa", "micro-hybrid", "micro-mamba"]
        .map { root.appending(path: ".deps/test-models/\($0).gguf").path }
        .filter { FileManager.default.fileExists(atPath: $0) }

    private static func makeContext(_ path: String, isUnified: Bool = true) throws -> Context {
        var options = Context.Options()
        options.contextLength = isUnified ? 4_096 : 3 * 2_048
        options.sequenceCount = 3
        options.usesUnifiedKV = isUnified
        return try Context(model: try Model(path: path), options: options)
    }

    private static func decode(_ tokens: [Int32], from start: Int, _ sequence: Int, _ context: inout Context) -> [Float]
    {
        var batch = Batch(capacity: 512)
        for (index, token) in tokens.enumerated() {
            batch.add(
                token: token, position: start + index, sequence: sequence, wantsLogits: index + 1 == tokens.count)
        }
        precondition(context.decode(batch) == .done)
        return context.logits(at: tokens.count - 1).map(Array.init) ?? []
    }

    private static func tokens(_ range: Range<Int>) -> [Int32] { range.map { Int32(20 + $0 * 7 % 300) } }

    @Test(arguments: models, [true, false]) func aWholeStateContinuesInAnotherContext(path: String, isUnified: Bool)
        throws
    {
        var context = try Self.makeContext(path, isUnified: isUnified)
        _ = Self.decode(Self.tokens(0..<300), from: 0, 0, &context)
        let state = try context.save(0)
        #expect(state.count == context.stateByteCount(of: 0))
        let original = Self.decode(Self.tokens(300..<310), from: 300, 0, &context)
        var other = try Self.makeContext(path, isUnified: isUnified)
        try other.restore(2, from: state)
        let restored = Self.decode(Self.tokens(300..<310), from: 300, 2, &other)
        let difference = zip(original, restored).map { abs($0 - $1) }.max() ?? .infinity
        #expect(difference < 1e-3)
    }

    @Test(.enabled(if: !uncuttable.isEmpty, "no random models here"), arguments: uncuttable, [true, false])
    func aCheckpointTakesASequenceBack(path: String, isUnified: Bool) throws {
        var context = try Self.makeContext(path, isUnified: isUnified)
        _ = Self.decode(Self.tokens(0..<300), from: 0, 0, &context)
        let checkpoint = try context.save(0, .uncuttable)
        let original = Self.decode(Self.tokens(300..<310), from: 300, 0, &context)
        // Far enough that the sliding window has lost the cells of the checkpoint.
        for start in stride(from: 310, to: 1_210, by: 300) {
            _ = Self.decode(Self.tokens(start..<(start + 300)), from: start, 0, &context)
        }
        let whole = try context.save(0)
        #expect(!checkpoint.isEmpty && checkpoint.count < whole.count + 1)
        // The checkpoint goes on top of the sequence itself, and of its whole state in another sequence.
        try context.restore(1, from: whole)
        for sequence in [0, 1] {
            try context.restore(sequence, .uncuttable, from: checkpoint)
            let isCut = context.removeTail(of: sequence, from: 300)
            #expect(isCut)
            let last = context.positions(of: sequence)?.upperBound
            #expect(last == 299)
            let again = Self.decode(Self.tokens(300..<310), from: 300, sequence, &context)
            let difference = zip(original, again).map { abs($0 - $1) }.max() ?? .infinity
            // The cells have another order, in which attention adds differently.
            #expect(difference < 0.02, "sequence \(sequence)")
        }
    }

    @Test func theVersionNamesAllBuilds() {
        #expect(LlamaSystem.version.split(separator: " ").count == 3)
    }
}
