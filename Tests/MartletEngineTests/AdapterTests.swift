import MartletEngine
import MartletProtocol
import Testing

@Suite struct AdapterTests {
    private let prompt = RunningEngine.chat("What is 3 + 4?")

    private func engine(_ configure: (inout EngineConfiguration) -> Void = { _ in }) throws -> RunningEngine {
        let paths = try (1...2).map { try AdapterFile.make(seed: $0) }
        return RunningEngine { configuration in
            configuration.adapters = paths.map { ($0, 1) }
            configure(&configuration)
        }
    }

    private static let sets: [[AdapterScale]] = [
        [], [AdapterScale(index: 0, scale: 4)], [AdapterScale(index: 1, scale: 4)],
        [AdapterScale(index: 0, scale: 3), AdapterScale(index: 1, scale: 3)],
    ]

    @Test func anAdapterChangesTheOutputAndScaleZeroDoesNot() async throws {
        let plain = RunningEngine()
        defer { plain.engine.shutdown() }
        let expected = await plain.completion(prompt)
        let running = try engine()
        defer { running.engine.shutdown() }
        #expect(await running.completion(prompt).tokens == expected.tokens)
        let zero = await running.completion(prompt) { $0.adapters = [AdapterScale(index: 0, scale: 0)] }
        #expect(zero.tokens == expected.tokens)
        let changed = await running.completion(prompt) { $0.adapters = Self.sets[1] }
        #expect(changed.tokens != expected.tokens)
        // The adapter has no effect on later requests.
        #expect(await running.completion(prompt).tokens == expected.tokens)
        guard case .ready(let information) = running.engine.state else { return }
        #expect(information.adapters.map(\.taskName) == ["test", "test"])
    }

    @Test func requestsWithDifferentSetsDoNotMix() async throws {
        let running = try engine()
        defer { running.engine.shutdown() }
        var alone: [[Int32]] = []
        for set in Self.sets {
            alone.append(
                await running.completion(prompt) {
                    $0.adapters = set
                    $0.parameters.reusesPrompt = false
                }.tokens)
        }
        #expect(Set(alone).count == Self.sets.count)
        let handles = (0..<2).flatMap { _ in
            Self.sets.map { set in
                running.submit(prompt) {
                    $0.adapters = set
                    $0.parameters.reusesPrompt = true
                }
            }
        }
        for (index, handle) in handles.enumerated() {
            #expect(await running.log.completion(handle).tokens == alone[index % Self.sets.count])
        }
    }

    @Test func anUnknownAdapterIsRefused() async throws {
        let running = try engine()
        defer { running.engine.shutdown() }
        let completion = await running.completion(prompt) { $0.adapters = [AdapterScale(index: 2, scale: 1)] }
        #expect(completion.error?.code == .invalidRequest)
    }

    @Test func aFileThatIsNoAdapterIsNamed() async throws {
        let running = RunningEngine { $0.adapters = [(TestModels.fledgling, 1)] }
        defer { running.engine.shutdown() }
        guard case .failed(let error) = await running.log.settled() else {
            Issue.record("a model was taken for an adapter")
            return
        }
        #expect(error.message.contains(TestModels.fledgling))
    }
}
