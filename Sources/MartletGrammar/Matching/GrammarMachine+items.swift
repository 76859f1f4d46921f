/// Arrays in which no two items may be equal.
extension GrammarMachine {
    /// The steps of look-ahead for one text, token or mask.
    private static let mostLookahead = 20_000
    /// The steps of look-ahead for one question.
    private static let mostLookaheadAtOnce = 1_000
    /// All bytes; bytes that end an item come first, as most items can end at once.
    private static let lookaheadBytes: [UInt8] = {
        let ends = Array(",]}".utf8)
        return ends + (UInt8.min...UInt8.max).filter { !ends.contains($0) }
    }()

    /// The configuration after a byte, or `dead`. The end of an item that equals an earlier one is not admitted.
    @inline(__always)
    func step(_ configuration: UInt32, _ byte: UInt8, _ items: inout DistinctItems) -> UInt32 {
        let byteClass = program.classes[Int(byte)]
        guard program.hasDistinctItems, items.isActive || byte == UInt8(ascii: "[") else {
            return store.step(configuration, byteClass)
        }
        return stepAmongItems(configuration, byte, byteClass, &items)
    }

    /// The step inside of such an array.
    private func stepAmongItems(
        _ configuration: UInt32, _ byte: UInt8, _ byteClass: UInt8, _ items: inout DistinctItems
    ) -> UInt32 {
        let opens = byte == UInt8(ascii: "[") && store.opensDistinctItems(configuration)
        guard items.consume(byte, opens: opens) else { return store.step(configuration, byteClass) }
        if items.isFull { store.markOverflown() }
        return store.stepBesideItems(configuration, byteClass)
    }

    /// Whether the open items can still end, each unlike all items before it.
    ///
    /// An item that begins like no earlier item always can. Otherwise the possible continuations are searched until the
    /// item has ended or differs from all earlier ones; beyond the budget the result is `true`. The value of a number
    /// is known only at its end, so that every beginning of a number is at risk.
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
                // White space between the parts of an item does not change it.
                if !items.isInString, DistinctItems.isSpace(byte) { continue }
                let syntactic = store.step(configuration, program.classes[Int(byte)])
                guard syntactic != ConfigurationStore.dead else { continue }
                var rest = items
                let next = step(configuration, byte, &rest)
                guard next != ConfigurationStore.dead else { continue }
                // If only some readings consider the item a repetition, the others continue freely.
                if !rest.isAtRisk || rest.endedCount > endedCount || next != syntactic { return true }
                pending.append((next, rest))
            }
        }
        return false
    }
}
