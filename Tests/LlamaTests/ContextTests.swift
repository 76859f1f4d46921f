import Foundation
import Testing

@testable import Llama

@Suite struct ContextTests {
    private static let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Models/fledgling.Q8_0.gguf").path

    private func makeContext(_ model: Model, signal: AbortSignal = AbortSignal()) throws -> Context {
        var options = Context.Options()
        options.contextLength = 1024
        options.sequenceCount = 4
        return try Context(model: model, options: options, abortSignal: signal)
    }

    private func decode(_ tokens: [Int32], from start: Int, sequence: Int, with context: inout Context) -> [Float] {
        var batch = Batch(capacity: 512)
        for (index, token) in tokens.enumerated() {
            batch.add(
                token: token, position: start + index, sequence: sequence, wantsLogits: index + 1 == tokens.count)
        }
        let result = context.decode(batch)
        precondition(result == .done)
        return context.logits(at: tokens.count - 1).map(Array.init) ?? []
    }

    @Test func savedStateContinuesLikeTheOriginal() throws {
        let model = try Model(path: Self.path)
        var context = try makeContext(model)
        let prompt: [Int32] = [1, 50, 300, 44, 200]
        _ = decode(prompt, from: 0, sequence: 0, with: &context)
        let state = try context.save(0)
        let original = decode([77], from: 5, sequence: 0, with: &context)
        context.removeAll(of: 0)
        let positions = context.positions(of: 0)
        #expect(positions == nil)
        try context.restore(2, from: state)
        let restored = context.positions(of: 2)
        #expect(restored == 0...4)
        let continued = decode([77], from: 5, sequence: 2, with: &context)
        #expect(continued == original)
        do throws(LlamaError) {
            try context.restore(1, from: [1, 2, 3])
            Issue.record("a broken state was taken")
        } catch { #expect(error.code == .stateFailed) }
    }

    @Test(arguments: Model.Options.LoadMode.allCases)
    func everyLoadModeGivesTheSameModel(mode: Model.Options.LoadMode) throws {
        var options = Model.Options()
        var expected = try makeContext(Model(path: Self.path))
        options.loadMode = mode
        options.checksTensors = true
        var loaded = try makeContext(Model(path: Self.path, options: options))
        let prompt: [Int32] = [1, 50, 300, 44, 200]
        let logits = decode(prompt, from: 0, sequence: 0, with: &loaded)
        let others = decode(prompt, from: 0, sequence: 0, with: &expected)
        // Copied weights may have layouts for other kernels, which round differently.
        #expect(zip(logits, others).allSatisfy { abs($0 - $1) < 0.01 } && logits.count == others.count)
        #expect(!logits.isEmpty)
    }

    @Test func positionsAreEncodedAsTheOptionsSay() throws {
        let model = try Model(path: Self.path)
        func logits(_ change: (inout RotaryPositions) -> Void) throws -> [Float] {
            var options = Context.Options()
            options.contextLength = 1024
            options.sequenceCount = 4
            change(&options.positions)
            var context = try Context(model: model, options: options)
            return decode([1, 50, 300, 44, 200], from: 0, sequence: 0, with: &context)
        }
        let own = try logits { _ in }
        #expect(try logits { $0.scaling = RotaryPositions.Scaling.none } == own)
        #expect(try logits { $0.frequencyBase = 100 } != own)
        #expect(
            try logits {
                $0.scaling = .linear
                $0.frequencyScale = 0.5
            } != own)
        #expect(
            try logits {
                ($0.scaling, $0.frequencyScale, $0.yarnContextLength) = (.yarn, 0.25, 256)
                ($0.yarnExtrapolation, $0.yarnAttention, $0.yarnBetaSlow, $0.yarnBetaFast) = (1, 1.5, 1, 32)
            } != own)
    }

    @Test func sharedPrefixServesTwoSequences() throws {
        let model = try Model(path: Self.path)
        var context = try makeContext(model)
        _ = decode([1, 50, 300, 44, 200], from: 0, sequence: 0, with: &context)
        context.copySequence(from: 0, to: 1)
        let first = decode([77], from: 5, sequence: 0, with: &context)
        let second = decode([77], from: 5, sequence: 1, with: &context)
        #expect(first == second)
        let isCut = context.removeTail(of: 1, from: 3)
        #expect(isCut)
        let (left, other) = (context.positions(of: 1), context.positions(of: 0))
        #expect(left == 0...2)
        #expect(other == 0...5)
    }

    @Test func raisedSignalAbortsADecode() throws {
        let model = try Model(path: Self.path)
        let signal = AbortSignal()
        var context = try makeContext(model, signal: signal)
        var batch = Batch(capacity: 512)
        for position in 0..<512 { batch.add(token: 100, position: position, sequence: 0, wantsLogits: false) }
        signal.raise()
        let aborted = context.decode(batch)
        #expect(aborted == .aborted)
        signal.lower()
        context.removeAll(of: 0)
        let done = context.decode(batch)
        #expect(done == .done)
    }

    @Test func batchWithoutRoomChangesNothing() throws {
        let model = try Model(path: Self.path)
        var context = try makeContext(model)
        var batch = Batch(capacity: 2048)
        for position in 0..<1000 { batch.add(token: 100, position: position, sequence: 0, wantsLogits: false) }
        let first = context.decode(batch)
        #expect(first == .done)
        batch.removeAll()
        for position in 0..<30 { batch.add(token: 100, position: position, sequence: 1, wantsLogits: false) }
        let second = context.decode(batch)
        #expect(second == .noRoom)
        let (full, empty) = (context.positions(of: 0), context.positions(of: 1))
        #expect(full == 0...999)
        #expect(empty == nil)
    }

    @Test func loadingCanBeCancelled() {
        var calls = 0
        do throws(LlamaError) {
            _ = try Model(path: Self.path) { _ in
                calls += 1
                return false
            }
            Issue.record("was loaded")
        } catch { #expect(error.code == .loadCancelled) }
        #expect(calls > 0)
    }

    @Test func metadataIsRead() throws {
        var options = Model.Options()
        options.vocabularyOnly = true
        let model = try Model(path: Self.path, options: options)
        #expect(model.metadata("general.architecture") == "qwen3")
        #expect(model.metadata("no.such.key") == nil)
        #expect(model.metadata.contains { $0.key == "qwen3.block_count" })
        #expect(model.chatTemplate()?.isEmpty == false)
        #expect(model.chatTemplate(named: "no such template") == nil)
    }
}
