/// Says of a text, piece by piece, whether it may still become one of a grammar's.
///
/// Bytes only: where the grammar names tokens, their texts count, and a token that is named by number never comes.
/// A copy goes on independently. Not shared between threads.
package struct GrammarMatcher {
    private var position: MachinePosition

    package init(_ grammar: Grammar, limits: GrammarLimits = .standard) {
        position = MachinePosition(GrammarMachine(grammar.program(limits: limits)))
    }

    /// Takes bytes.
    ///
    /// - Returns: whether all of them may stand here. If not, none was taken.
    package mutating func accept(_ bytes: some Sequence<UInt8>) -> Bool {
        own()
        return position.accept(bytes)
    }

    /// Takes as many bytes as may stand here.
    ///
    /// - Returns: how many.
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

    /// Bytes that may come next.
    package var allowedBytes: ByteSet { position.allowedBytes }

    /// Whether the grammar was more ambiguous than the limit of threads allows, so that texts may have been refused.
    package var isOverflown: Bool { position.machine.isOverflown }

    private mutating func own() {
        if !isKnownUniquelyReferenced(&position) { position = position.copy() }
    }
}

extension Grammar {
    /// Whether `text` is one of the grammar's.
    package func matches(_ text: some Sequence<UInt8>, limits: GrammarLimits = .standard) -> Bool {
        var matcher = GrammarMatcher(self, limits: limits)
        return matcher.accept(text) && matcher.isComplete
    }
}
