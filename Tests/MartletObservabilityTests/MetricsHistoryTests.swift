import MartletObservability
import MartletProtocol
import Testing

@Suite struct MetricsHistoryTests {
    private static func totals(_ predicted: UInt64, running: Int = 1, firstTokens: UInt64 = 0, _ seconds: Double = 0)
        -> MetricsHistory.Totals
    {
        var totals = MetricsHistory.Totals()
        totals.counters.predictedTokens = predicted
        totals.counters.promptTokens = predicted * 2
        totals.running = running
        totals.firstTokens = firstTokens
        totals.firstTokenSeconds = seconds
        return totals
    }

    @Test func sumsBecomeRates() {
        var history = MetricsHistory()
        history.record(Self.totals(100), calendar: 1_000, monotonic: 5)
        #expect(history.samples().isEmpty)
        history.record(Self.totals(150, firstTokens: 2, 0.5), calendar: 1_001, monotonic: 6)
        history.record(Self.totals(150, running: 0, firstTokens: 2, 0.5), calendar: 1_003, monotonic: 8)
        let samples = history.samples()
        #expect(samples.map(\.generated) == [50, 0] && samples.map(\.prompt) == [100, 0])
        #expect(samples.map(\.firstTokenSeconds) == [0.25, nil])
        #expect(samples.map(\.time) == [1_001, 1_003] && history.samples(after: 1_001).count == 1)
        #expect(history.isIdle)
    }

    @Test func aNewEngineBeginsAtZero() {
        var history = MetricsHistory()
        history.record(Self.totals(1_000, firstTokens: 9, 9), calendar: 0, monotonic: 0)
        history.record(Self.totals(30, firstTokens: 1, 0.5), calendar: 1, monotonic: 1)
        #expect(history.samples(after: -1).map(\.generated) == [30])
        #expect(history.samples(after: -1).first?.firstTokenSeconds == 0)
    }

    @Test func callsInTheSameSecondCountOnce() {
        var history = MetricsHistory()
        history.record(Self.totals(0), calendar: 0, monotonic: 0)
        history.record(Self.totals(5), calendar: 1, monotonic: 1)
        history.record(Self.totals(7), calendar: 1, monotonic: 1.1)
        history.record(Self.totals(9), calendar: 2, monotonic: 2)
        #expect(history.samples().map(\.generated) == [5, 4])
    }

    @Test func theOldestSampleMakesRoom() {
        var history = MetricsHistory(capacity: 5)
        for second in 0...12 {
            history.record(Self.totals(UInt64(second * second)), calendar: Int64(second), monotonic: Double(second))
            #expect(history.samples(after: -1).count == min(5, second))
        }
        #expect(history.samples().map(\.time) == [8, 9, 10, 11, 12])
        #expect(history.samples().map(\.generated) == [15, 17, 19, 21, 23])
    }
}
