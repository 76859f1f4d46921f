/// The state of one generation in its grammar, token by token.
///
/// It shares the machine, and thereby its thread, with other generations.
package final class TokenMatcher {
    package let machine: TokenMachine
    private let position: MachinePosition

    /// Starts at the beginning of the grammar.
    package init(_ machine: TokenMachine) {
        self.machine = machine
        position = MachinePosition(machine.machine)
    }

    /// Whether a token may come next. A token that ends the generation may come if the grammar is complete.
    package func allows(_ token: Int32) -> Bool {
        if isComplete, machine.vocabulary.endOfGeneration.contains(token) { return true }
        machine.machine.lookahead = 0
        var items = position.items
        return machine.step(position.configuration, token, &items) != ConfigurationStore.dead
    }

    /// Consumes a token.
    ///
    /// - Returns: whether it may come next. If not, the state is unchanged.
    package func accept(_ token: Int32) -> Bool {
        machine.machine.begin()
        if isComplete, machine.vocabulary.endOfGeneration.contains(token) { return true }
        var items = position.items
        let next = machine.step(position.configuration, token, &items)
        guard next != ConfigurationStore.dead else { return false }
        position.configuration = next
        position.items = items
        return true
    }

    /// How many of `tokens` may come next, one after the other. The state is not changed.
    ///
    /// A token that ends the generation counts if the grammar is complete there, and no token follows it.
    /// - Complexity: as `accept` for each counted token and one more, and one registered copy of the state.
    package func allowedCount(of tokens: some Sequence<Int32>) -> Int {
        // The copy is registered with the machine, so that its configuration survives a renumbering.
        let ahead = position.copy()
        var count = 0
        for token in tokens {
            machine.machine.begin()
            if ahead.isComplete, machine.vocabulary.endOfGeneration.contains(token) { return count + 1 }
            var items = ahead.items
            let next = machine.step(ahead.configuration, token, &items)
            guard next != ConfigurationStore.dead else { break }
            ahead.configuration = next
            ahead.items = items
            count += 1
        }
        return count
    }

    /// Consumes bytes that precede the first token.
    package func accept(_ bytes: some Sequence<UInt8>) -> Bool { position.accept(bytes) }

    /// The tokens that may come next, a bit for each. Valid until the machine is used again.
    package func mask() -> UnsafeBufferPointer<UInt64> { machine.mask(position) }

    /// Whether the output may end here.
    package var isComplete: Bool { position.isComplete }

    /// Whether the output must end here.
    package var isFinished: Bool { position.isFinished }

    /// Whether a step exceeded the limit of threads or work, so that valid tokens may have been refused.
    package var isOverflown: Bool { machine.machine.isOverflown }
}
