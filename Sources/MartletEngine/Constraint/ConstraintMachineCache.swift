import MartletGrammar

/// The token machines of the 8 grammars that were used last.
///
/// Generations with the same grammar share a machine, and with it every token mask that was computed so far.
///
/// Thread: the engine thread only.
struct ConstraintMachineCache {
    /// The least recently used entry comes first.
    private var machines: [(program: GrammarProgram, machine: TokenMachine)] = []

    private static let capacity = 8

    /// Returns a new matcher at the beginning of the grammar of `constraint`.
    mutating func matcher(for constraint: CompiledConstraint) -> TokenMatcher {
        if let index = machines.firstIndex(where: { $0.program === constraint.program }) {
            let entry = machines.remove(at: index)
            machines.append(entry)
            return TokenMatcher(entry.machine)
        }
        let machine = TokenMachine(constraint.program, vocabulary: constraint.vocabulary)
        machines.append((constraint.program, machine))
        if machines.count > Self.capacity { machines.removeFirst() }
        return TokenMatcher(machine)
    }
}

/// A copy of the logits of a whole vocabulary, so that they can be restored after a sample that a grammar refuses.
final class SavedLogits {
    private let saved: UnsafeMutableBufferPointer<Float>

    init(vocabularySize: Int) {
        saved = .allocate(capacity: vocabularySize)
        saved.initialize(repeating: 0)
    }

    deinit { saved.deallocate() }

    /// Copies `logits`, which must not be larger than the vocabulary.
    func save(_ logits: UnsafeMutableBufferPointer<Float>) { _ = saved.update(fromContentsOf: logits) }

    /// Writes the copy back to `logits`.
    func restore(_ logits: UnsafeMutableBufferPointer<Float>) {
        _ = logits.update(fromContentsOf: saved[..<logits.count])
    }
}
