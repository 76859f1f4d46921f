import MartletProtocol
import Testing

@testable import MartletWorkers

@Suite struct RequestLedgerTests {
    typealias Item = RequestLedger.Item

    private let one = GenerationHandle(rawValue: 1)
    private let two = GenerationHandle(rawValue: 2)
    private let three = GenerationHandle(rawValue: 3)
    private let query = Item.query(QueryNumber(rawValue: 1), frame: [2])
    private let begin = ContinuousClock.now

    private func item(_ handle: GenerationHandle, continuing tokens: [Int32] = [], after time: Duration = .zero) -> Item
    {
        var request = GenerationRequest.sample(handle.rawValue)
        request.continuation = tokens
        request.continuationTime = time
        return .generation(request)
    }

    /// Applies events and returns those that the ledger passes on.
    private func apply(
        _ ledger: inout RequestLedger, _ handle: GenerationHandle, _ kinds: [EngineEvent.Kind],
        at time: Duration = .zero
    ) -> [EngineEvent.Kind] {
        kinds.filter { ledger.apply(EngineEvent(handle, $0), at: begin + time) }
    }

    private func token(_ id: Int32) -> EngineEvent.Kind { .token(id: id, text: []) }

    private let start: [EngineEvent.Kind] = [.admitted(promptTokens: 5), .started(slot: 0, cachedTokens: 0)]
    private let end = EngineEvent.Kind.finished(
        GenerationSummary(reason: .endOfGeneration, timings: Timings()), text: [])

    @Test func waitingRequestsAreReleasedInOrder() {
        var ledger = RequestLedger()
        ledger.enqueue(item(one))
        ledger.enqueue(query)
        ledger.enqueue(item(two))
        let wasSent = ledger.withdraw(QueryNumber(rawValue: 1))
        #expect(!wasSent)
        let released = ledger.release()
        #expect(released == [item(one), item(two)])
        #expect(!ledger.hasReleasable)
        let isAnswered = ledger.end(QueryNumber(rawValue: 1))
        #expect(!isAnswered)
    }

    @Test func anotherModelTakesTheWaitingGenerationsAndLeavesQueries() {
        var ledger = RequestLedger()
        ledger.markSent(item(two))
        _ = ledger.loseWorker()
        ledger.enqueue(query)
        ledger.enqueue(item(three))
        let removed = [ledger.removeWaitingGenerations(), ledger.removeWaitingGenerations()]
        #expect(removed == [[two, three], []])
        let released = ledger.release()
        #expect(released == [query])
        #expect(apply(&ledger, two, [token(1), end]).isEmpty)
    }

    @Test func everySubjectEndsOnce() {
        var ledger = RequestLedger()
        ledger.markSent(item(one))
        ledger.markSent(query)
        #expect(apply(&ledger, one, [end, end, token(1)]).count == 1)
        let results = [ledger.end(QueryNumber(rawValue: 1)), ledger.end(QueryNumber(rawValue: 1))]
        #expect(results == [true, false])
        #expect(ledger.loseWorker() == RequestLedger.Loss())
        #expect(apply(&ledger, three, [token(1), end]).isEmpty)
    }

    @Test func aLostGenerationIsContinuedWithItsTokensAndTimeBeforeWhatWaited() {
        var ledger = RequestLedger()
        ledger.markSent(item(two))
        ledger.markSent(item(one))
        ledger.markSent(query)
        #expect(apply(&ledger, one, start + [token(7)], at: .seconds(1)).count == 3)
        #expect(apply(&ledger, one, [token(8)], at: .seconds(4)).count == 1)
        let loss = ledger.loseWorker()
        #expect(loss == RequestLedger.Loss(queries: [QueryNumber(rawValue: 1)]))
        ledger.enqueue(item(three))
        #expect(ledger.release() == [item(one, continuing: [7, 8], after: .seconds(3)), item(two), item(three)])
        // The receiver has the events admitted and started already.
        #expect(apply(&ledger, one, start).isEmpty)
        #expect(apply(&ledger, one, [token(9)], at: .seconds(10)) == [token(9)])
        #expect(apply(&ledger, one, [token(10)], at: .seconds(12)).count == 1)
        #expect(apply(&ledger, two, start).count == 2)
        _ = ledger.loseWorker()
        #expect(ledger.release().first == item(one, continuing: [7, 8, 9, 10], after: .seconds(5)))
    }

    @Test func theThirdWorkerLostWhileItRunsEndsAGeneration() {
        var ledger = RequestLedger()
        ledger.markSent(item(one))
        for _ in 0..<2 {
            _ = apply(&ledger, one, start)
            #expect(ledger.loseWorker().generations.isEmpty)
            #expect(ledger.release().count == 1)
        }
        #expect(ledger.loseWorker().generations == [one])
        #expect(!ledger.hasReleasable)
        #expect(ledger.removeWaiting().isEmpty)
    }

    @Test func waitingWithinAWorkerIsNoFault() {
        var ledger = RequestLedger()
        ledger.markSent(item(one))
        for _ in 0..<10 {
            _ = apply(&ledger, one, [.admitted(promptTokens: 5)])
            #expect(ledger.loseWorker() == RequestLedger.Loss())
            #expect(ledger.release() == [item(one)])
        }
    }

    @Test func suspectsAreTriedOneByOneSoThatTheInnocentSurvive() {
        var ledger = RequestLedger()
        for handle in [one, two, three] { ledger.markSent(item(handle)) }
        for released in [[one, two, three], [one]] {
            for handle in [one, two, three] { _ = apply(&ledger, handle, start) }
            #expect(ledger.loseWorker() == RequestLedger.Loss())
            #expect(ledger.release() == released.map { item($0) })
        }
        // The first is out alone, and ends well.
        #expect(!ledger.hasReleasable)
        #expect(apply(&ledger, one, start + [end]) == [end])
        // The second kills the worker.
        #expect(ledger.release() == [item(two)])
        #expect(ledger.loseWorker().generations == [two])
        // The third proves itself by writing.
        #expect(ledger.release() == [item(three)])
        ledger.enqueue(item(one))
        #expect(!ledger.hasReleasable)
        _ = apply(&ledger, three, (0..<16).map { token($0) })
        #expect(ledger.hasReleasable)
        #expect(ledger.release() == [item(one)])
    }

    @Test func aCancelledGenerationIsNotContinued() {
        var ledger = RequestLedger()
        ledger.markSent(item(one))
        ledger.markSent(item(two))
        _ = apply(&ledger, one, start + [token(1), token(2)])
        let mustSend = ledger.cancel(one)
        #expect(mustSend)
        let ended = ledger.loseWorker().cancelled
        guard case .finished(let completion, _)? = ended.first?.kind else {
            Issue.record("\(ended)")
            return
        }
        #expect(ended.map(\.handle) == [one])
        #expect(completion.reason == .cancelled)
        #expect(completion.timings.promptTokens == 5)
        #expect(completion.timings.predictedTokens == 2)
        let isStillSent = ledger.cancel(two)
        #expect(!isStillSent)
        #expect(ledger.withdraw(two)?.reason == .cancelled)
        #expect(ledger.withdraw(two) == nil)
        #expect(!ledger.hasReleasable)
    }

    @Test func withoutAnyWorkerAllWaitingRequestsFail() {
        var ledger = RequestLedger()
        ledger.markSent(item(one))
        ledger.enqueue(item(two))
        #expect(ledger.loseWorker() == RequestLedger.Loss())
        #expect(ledger.removeWaiting() == [.generation(one), .generation(two)])
    }
}
