import MartletModels
import MartletProtocol
import Testing

@Suite struct RequestLedgerTests {
    private let one = RequestLedger.Subject.generation(GenerationHandle(rawValue: 1))
    private let two = RequestLedger.Subject.generation(GenerationHandle(rawValue: 2))
    private let question = RequestLedger.Subject.query(QueryNumber(rawValue: 1))

    @Test func whatIsHeldIsReleasedInOrder() {
        var ledger = RequestLedger()
        ledger.hold(one, frame: [1])
        ledger.hold(question, frame: [2])
        ledger.hold(two, frame: [3])
        let wasHeld = ledger.withdraw(question)
        #expect(wasHeld)
        #expect(ledger.release() == [[1], [3]])
        #expect(ledger.release() == [])
        #expect(ledger.loseSent() == [one, two])
    }

    @Test func everySubjectEndsOnce() {
        var ledger = RequestLedger()
        ledger.markSent(one)
        let isFirst = ledger.end(one)
        let isSecond = ledger.end(one)
        #expect(isFirst)
        #expect(!isSecond)
        #expect(ledger.loseSent().isEmpty)
    }

    @Test func aLostWorkerTakesOnlyWhatItHad() {
        var ledger = RequestLedger()
        ledger.markSent(one)
        ledger.hold(two, frame: [])
        #expect(ledger.loseSent() == [one])
        #expect(ledger.loseHeld() == [two])
    }
}
