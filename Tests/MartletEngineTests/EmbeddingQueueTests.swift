import Testing

@testable import MartletEngine

@Suite struct EmbeddingQueueTests {
    private func inputs(_ parts: [EmbeddingQueue.Part]) -> [String] {
        parts.map { "\($0.job).\($0.input)" }
    }

    @Test func requestsRotateInputByInput() {
        var queue = EmbeddingQueue()
        queue.append(1, counts: [10, 10, 10, 10])
        queue.append(2, counts: [10])
        queue.append(3, counts: [10, 10])
        #expect(inputs(queue.next(budget: 30, limit: 100, sequences: 8)) == ["1.0", "2.0", "3.0"])
        #expect(inputs(queue.next(budget: 1_000, limit: 100, sequences: 2)) == ["1.1", "3.1"])
        #expect(inputs(queue.next(budget: 1_000, limit: 100, sequences: 8)) == ["1.2", "1.3"])
        #expect(queue.isEmpty)
        #expect(queue.next(budget: 10, limit: 100, sequences: 8).isEmpty)
    }

    @Test func anInputIsNeverSplitByTheBudget() {
        var queue = EmbeddingQueue()
        queue.append(1, counts: [50, 60])
        #expect(queue.next(budget: 1, limit: 100, sequences: 8).map(\.count) == [50])
        #expect(queue.next(budget: 1, limit: 100, sequences: 8).map(\.count) == [60])
    }

    @Test func anInputLongerThanADecodeIsComputedAloneInParts() {
        var queue = EmbeddingQueue()
        queue.append(1, counts: [5, 250])
        queue.append(2, counts: [5])
        #expect(inputs(queue.next(budget: 100, limit: 100, sequences: 8)) == ["1.0", "2.0"])
        let parts = (0..<3).flatMap { _ in queue.next(budget: 100, limit: 100, sequences: 8) }
        #expect(parts.map(\.start) == [0, 100, 200])
        #expect(parts.map(\.count) == [100, 100, 50])
        #expect(parts.map(\.isLast) == [false, false, true])
        #expect(queue.isEmpty)
    }

    @Test func removedInputsAreNotComputed() {
        var queue = EmbeddingQueue()
        queue.append(1, counts: [5, 5])
        queue.append(2, counts: [5])
        queue.remove(1)
        #expect(inputs(queue.next(budget: 100, limit: 100, sequences: 8)) == ["2.0"])
        #expect(queue.isEmpty)
    }
}
