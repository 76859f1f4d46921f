/// Arrays in which no two items may be equal.
extension GrammarMachine {
    private static let mostLookahead = 20_000
    private static let mostLookaheadAtOnce = 1_000
    /// Bytes with which items end are tried first: most items can end at once.
    private static let lookaheadBytes: [UInt8] = {
        let ends = Array(",]}".utf8)
        return ends + (UInt8.min...UInt8.max).filter { !ends.contains($0) }
    }()

    /// What follows a byte, where the end of an item that is equal to an earlier one is no end; `dead` = nothing.
    @inline(__always)
    func step(_ configuration: UInt32, _ byte: UInt8, _ items: inout DistinctItems) -> UInt32 {
        let byteClass = program.classes[Int(byte)]
        guard program.hasDistinctItems, items.isActive || byte == UInt8(ascii: "[") else {
            return store.step(configuration, byteClass)
        }
        return stepAmongItems(configuration, byte, byteClass, &items)
    }

    private func stepAmongItems(
        _ configuration: UInt32, _ byte: UInt8, _ byteClass: UInt8, _ items: inout DistinctItems
    ) -> UInt32 {
        let opens = byte == UInt8(ascii: "[") && store.opensDistinctItems(configuration)
        guard items.consume(byte, opens: opens) else { return store.step(configuration, byteClass) }
        if items.isFull { store.markOverflown() }
        return store.stepBesideItems(configuration, byteClass)
    }

    /// Whether the items that are open can still be ended, each unlike all in front of it.
    ///
    /// An item that begins as no earlier one does always can. Otherwise what may follow is gone through until the item
    /// has ended or differs from all earlier ones; beyond a budget it counts as if it did. The form of a number is
    /// known at its end only, so that each beginning of a number is at risk.
    func canContinue(_ configuration: UInt32, _ items: DistinctItems) -> Bool {
        guard items.isAtRisk else { return true }
        let endedCount = items.endedCount
        var pending = [(configuration: configuration, items: items)]
        var looked = 0
        while let (configuration, items) = pending.popLast() {
            looked += 1
            lookahead += 1
            if looked > Self.mostLookaheadAtOnce || lookahead > Self.mostLookahead { return true }
            for byte in Self.lookaheadBytes {
                // White space between the parts of an item changes nothing.
                if !items.isInString, DistinctItems.isSpace(byte) { continue }
                let syntactic = store.step(configuration, program.classes[Int(byte)])
                guard syntactic != ConfigurationStore.dead else { continue }
                var rest = items
                let next = step(configuration, byte, &rest)
                guard next != ConfigurationStore.dead else { continue }
                // Where a repeated item is one for some of what may be read only, the others go on freely.
                if !rest.isAtRisk || rest.endedCount > endedCount || next != syntactic { return true }
                pending.append((next, rest))
            }
        }
        return false
    }
}
