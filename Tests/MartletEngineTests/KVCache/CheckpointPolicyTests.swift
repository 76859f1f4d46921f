import Testing

@testable import MartletEngine

/// Checkpoints are where prompts usually differ, and never more than the limit.
@Suite struct CheckpointPolicyTests {
    private let policy = CheckpointPolicy()

    @Test func theLastMessageAndTheGenerationPromptAlwaysHaveCheckpoints() {
        // Messages that begin within the minimum step of an earlier checkpoint have none.
        #expect(
            policy.stops(promptCount: 1_000, messageStarts: [20, 300, 900], generationPrompt: 995)
                == [20, 900, 995])
        #expect(
            policy.stops(promptCount: 20_000, messageStarts: [20, 5_000, 9_000, 19_000], generationPrompt: 19_990)
                == [20, 9_000, 19_000, 19_990])
    }

    @Test func thePromptsEndHasACheckpointWithoutKnownMessages() {
        #expect(policy.stops(promptCount: 1_000, messageStarts: [], generationPrompt: nil) == [484, 996])
        #expect(policy.stops(promptCount: 100, messageStarts: [], generationPrompt: nil) == [96])
        #expect(policy.stops(promptCount: 4, messageStarts: [], generationPrompt: nil) == [])
        // The generation prompt is far from the end.
        #expect(
            policy.stops(promptCount: 1_000, messageStarts: [800], generationPrompt: 950) == [800, 950, 996])
    }

    @Test func aShortTurnHasItsCheckpointBeforeItsTokens() {
        func stops(from start: Int, existing: [Int] = [], generationPrompt: Int? = nil, canBegin: Bool = true) -> [Int]
        {
            policy.stops(
                promptCount: 1_000, messageStarts: generationPrompt.map { [$0 - 10] } ?? [],
                generationPrompt: generationPrompt, existing: existing, from: start, canBeginAtStart: canBegin)
        }
        #expect(stops(from: 980) == [980])
        // libllama has postponed a copy, so no state can be saved yet.
        #expect(stops(from: 980, canBegin: false) == [996])
        #expect(stops(from: 980, existing: [980]) == [])
        // A longer turn, and a turn whose messages are known.
        #expect(stops(from: 960) == [996])
        #expect(stops(from: 970, generationPrompt: 990) == [980, 990])
    }

    @Test func cachedItemsAndExistingCheckpointsNeedNoStop() {
        #expect(
            policy.stops(
                promptCount: 1_000, messageStarts: [20, 900], generationPrompt: 990, existing: [20, 900], from: 910)
                == [990])
        #expect(
            policy.stops(promptCount: 9_000, messageStarts: [8_500, 8_900], generationPrompt: 8_990, existing: [100])
                == [8_500, 8_900, 8_990])
        #expect(
            policy.stops(promptCount: 9_000, messageStarts: [8_100, 8_900], generationPrompt: 8_990, existing: [100])
                == [8_900, 8_990])
    }

    @Test func noCheckpointIsMadeIfTheLimitIsZero() {
        var policy = policy
        policy.limit = 0
        #expect(policy.stops(promptCount: 1_000, messageStarts: [20], generationPrompt: 990) == [])
        var checkpoints: [KVCheckpoint] = []
        policy.insert(KVCheckpoint(itemCount: 10, bytes: [1]), into: &checkpoints)
        #expect(checkpoints.isEmpty)
    }

    @Test func aFullListDropsCheckpointsOfEarlierPromptsThatAreCloseTogether() {
        var policy = policy
        policy.limit = 4
        policy.minimumStep = 100
        var checkpoints = [10, 50, 300].map { KVCheckpoint(itemCount: $0, bytes: [], prompt: 1) }
        policy.insert(KVCheckpoint(itemCount: 500, bytes: [], prompt: 2), into: &checkpoints)
        policy.insert(KVCheckpoint(itemCount: 520, bytes: [], prompt: 2), into: &checkpoints)
        #expect(checkpoints.map(\.itemCount) == [10, 300, 500, 520])
        // No two of an earlier prompt are close, so the oldest one goes.
        policy.insert(KVCheckpoint(itemCount: 900, bytes: [], prompt: 2), into: &checkpoints)
        #expect(checkpoints.map(\.itemCount) == [300, 500, 520, 900])
    }

    @Test func aCheckpointAtTheSamePositionIsReplaced() {
        var checkpoints = [KVCheckpoint(itemCount: 10, bytes: [1]), KVCheckpoint(itemCount: 20, bytes: [2])]
        policy.insert(KVCheckpoint(itemCount: 10, bytes: [3], prompt: 4), into: &checkpoints)
        #expect(checkpoints.map(\.bytes) == [[3], [2]])
    }

    @Test(arguments: 0..<20) func stopsAscendWithinThePromptAndListsStayWithinTheLimit(seed: Int) {
        var random = SplitMixGenerator(seed: UInt64(seed))
        var policy = CheckpointPolicy(limit: 5, minimumStep: 50, microBatchSize: 64)
        policy.limit = Int.random(in: 1...8, using: &random)
        var checkpoints: [KVCheckpoint] = []
        for prompt in 0..<100 {
            let count = Int.random(in: 1...600, using: &random)
            let starts = (0..<Int.random(in: 0...6, using: &random)).map { _ in Int.random(in: 0...700, using: &random)
            }
            .sorted()
            let start = Int.random(in: 0..<count, using: &random)
            let stops = policy.stops(
                promptCount: count, messageStarts: starts, generationPrompt: starts.last.map { $0 + 5 },
                existing: checkpoints.map(\.itemCount), from: start, canBeginAtStart: Bool.random(using: &random))
            #expect(stops == Set(stops).sorted())
            #expect(stops.allSatisfy { $0 >= start && $0 > 0 && $0 < count })
            // A checkpoint at the beginning is near the end.
            #expect(!stops.contains(start) || count - start <= CheckpointPolicy.endSpan)
            for stop in stops {
                policy.insert(KVCheckpoint(itemCount: stop, bytes: [], prompt: UInt64(prompt)), into: &checkpoints)
            }
            #expect(checkpoints.count <= policy.limit)
            #expect(checkpoints.map(\.itemCount) == Set(checkpoints.map(\.itemCount)).sorted())
            if let last = stops.last { #expect(checkpoints.contains { $0.itemCount == last }) }
        }
    }
}
