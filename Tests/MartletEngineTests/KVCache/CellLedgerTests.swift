import Testing

@testable import MartletEngine

/// The ledger against cells that are sets of entries.
@Suite struct CellLedgerTests {
    @Test(arguments: 0..<40) func theLedgerCountsWhatSetsOfEntriesCount(seed: Int) {
        var random = CounterRandom(seed: UInt64(seed))
        let entryCount = 6
        var ledger = CellLedger(entryCount: entryCount)
        /// The cells of each entry, by their numbers.
        var cells = Array(repeating: [Int](), count: entryCount)
        var nextCell = 0
        for _ in 0..<500 {
            let entry = random.next(below: entryCount)
            switch random.next(below: 4) {
            case 0:
                let count = random.next(below: 20)
                ledger.append(count, to: entry)
                cells[entry] += nextCell..<nextCell + count
                nextCell += count
            case 1:
                let source = random.next(below: entryCount)
                guard source != entry else { continue }
                ledger.cut(entry, to: 0)
                ledger.share(source, with: entry)
                cells[entry] = cells[source]
            case 2:
                let count = random.next(below: 40)
                ledger.cut(entry, to: count)
                cells[entry] = Array(cells[entry].prefix(count))
            default:
                ledger.cut(entry, to: 0)
                cells[entry] = []
            }
            #expect(ledger.usedCount == Set(cells.joined()).count)
            for entry in 0..<entryCount {
                #expect(ledger.count(of: entry) == cells[entry].count)
                let others = Set(cells.enumerated().filter { $0.offset != entry }.flatMap(\.element))
                #expect(ledger.ownCount(of: entry) == cells[entry].count { !others.contains($0) })
            }
        }
    }

    @Test func aShiftKeepsTheNumberOfRemainingItems() {
        var ledger = CellLedger(entryCount: 1)
        ledger.append(100, to: 0)
        ledger.remove(10..<40, from: 0)
        #expect(ledger.count(of: 0) == 70)
        #expect(ledger.usedCount == 70)
    }
}
