/// Where one generation is in its grammar, token by token.
package final class TokenMatcher {
    package let machine: TokenMachine
    private let position: MachinePosition

    package init(_ machine: TokenMachine) {
        self.machine = machine
        position = MachinePosition(machine.machine)
    }

    /// Whether a token may come next. One that ends the generation may if the grammar is complete.
    package func allows(_ token: Int32) -> Bool {
        if isComplete, machine.vocabulary.endOfGeneration.contains(token) { return true }
        machine.machine.lookahead = 0
        var items = position.items
        return machine.step(position.configuration, token, &items) != ConfigurationStore.dead
    }

    /// Takes a token.
    ///
    /// - Returns: whether it may stand here. If not, nothing was changed.
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

    /// Takes bytes that came before the first token.
    package func accept(_ bytes: some Sequence<UInt8>) -> Bool { position.accept(bytes) }

    /// The tokens that may come next, a bit for each. Valid until the machine is used again.
    package func mask() -> UnsafeBufferPointer<UInt64> { machine.mask(position) }

    /// Whether the text may end here.
    package var isComplete: Bool { position.isComplete }

    /// Whether the text must end here: nothing may follow.
    package var isFinished: Bool { position.isFinished }

    /// Whether the grammar was more ambiguous than the limit of threads allows, so that tokens may have been refused.
    package var isOverflown: Bool { machine.machine.isOverflown }
}
