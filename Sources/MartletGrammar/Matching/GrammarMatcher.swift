/// Decides piece by piece whether a text may still become one of a grammar's texts.
///
/// It matches bytes only: where the grammar names tokens, their texts count, and a token that is named by number never
/// matches. A copy continues independently. Not for several threads at once.
package struct GrammarMatcher {
    private var position: MachinePosition

    /// Starts at the beginning of a grammar.
    package init(_ grammar: Grammar, limits: GrammarLimits = .standard) {
        position = MachinePosition(GrammarMachine(grammar.program(limits: limits)))
    }

    /// Consumes bytes.
    ///
    /// - Returns: whether all of them may come next. If not, the state is unchanged.
    package mutating func accept(_ bytes: some Sequence<UInt8>) -> Bool {
        own()
        return position.accept(bytes)
    }

    /// Consumes as many bytes as may come next.
    ///
    /// - Returns: their number.
    package mutating func acceptPrefix(of bytes: some Sequence<UInt8>) -> Int {
        own()
        var count = 0
        for byte in bytes {
            guard position.accept(CollectionOfOne(byte)) else { break }
            count += 1
        }
        return count
    }

    /// Whether the text may end here.
    package var isComplete: Bool { position.isComplete }

    /// The bytes that may come next.
    package var allowedBytes: ByteSet { position.allowedBytes }

    /// Whether a step exceeded the limit of threads or work, so that valid texts may have been refused.
    package var isOverflown: Bool { position.machine.isOverflown }

    /// Makes the position unique to this value, as copies share it.
    private mutating func own() {
        if !isKnownUniquelyReferenced(&position) { position = position.copy() }
    }
}

extension Grammar {
    /// Whether `text` is one of the grammar's texts.
    package func matches(_ text: some Sequence<UInt8>, limits: GrammarLimits = .standard) -> Bool {
        var matcher = GrammarMatcher(self, limits: limits)
        return matcher.accept(text) && matcher.isComplete
    }
}
