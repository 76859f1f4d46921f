import Llama
import MartletProtocol
import Testing

@testable import MartletEngine

/// A prompt that returns from the RAM tier costs a fixed number of copies of states, and of decodes up to its first
/// token. The counts do not depend on the speed of the machine.
@Suite struct ReturnBudgetTests {
    static let models = TierModelTests.models

    private static func submit(_ history: [Int32], _ bench: ControlBench) throws -> GenerationHandle {
        try bench.submit("") {
            $0.prompt = Prompt(pieces: [.tokens(history)], addsBeginning: false)
            $0.parameters.ignoresEndOfGeneration = true
            $0.parameters.maximumTokens = 4
        }
    }

    @Test(arguments: models) func aReturnCopiesItsStateOnce(model: String) throws {
        let bench = try ControlBench(model: model, sequences: 4, context: 1_024)
        let kvCache = bench.loop.core.kvCache
        var chats = (0..<8).map { TierModelTests.Chat(salt: $0, count: 600) }
        for index in chats.indices {
            let handle = try Self.submit(chats[index].history, bench)
            bench.run(handle)
            chats[index].addTurn(bench.completion(handle).tokens)
        }
        for index in chats.indices {
            // An idle engine copies the state that the next prompt evicts.
            let idle = kvCache.copies
            bench.loop.core.copyNextVictim()
            let (before, decodes) = (kvCache.copies, bench.board.copy.counters.decodes)
            #expect(before.count - idle.count <= 1)

            let handle = try Self.submit(chats[index].history, bench)
            bench.run(handle, to: 1)
            let completion = bench.completion(handle)
            // 12 new tokens, and the last one of the reply.
            #expect(completion.cachedTokens == 603, "conversation \(index)")
            let slot = try #require(bench.loop.core.scheduler.runningSequence(handle))
            let entry = try #require(slot.entry)
            let checkpoints = kvCache[entry].checkpoints
            let state = kvCache.context.stateByteCount(of: entry.rawValue)
            // Memory that cannot be cut has a checkpoint before the new tokens.
            let made = kvCache.kind.canCutAnywhere ? 0 : 1
            #expect(kvCache.copies.count - before.count == 1 + made, "conversation \(index)")
            #expect(
                kvCache.copies.byteCount - before.byteCount <= state + made * (checkpoints.last?.bytes.count ?? 0),
                "conversation \(index)")
            #expect(bench.board.copy.counters.decodes - decodes == 1, "conversation \(index)")
            bench.run(handle)
        }
    }
}
