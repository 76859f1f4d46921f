import MartletGrammar

/// The machines of the grammars used last: generations with one grammar share what was found out about it.
///
/// Used by the engine's thread alone.
struct ConstraintMachineCache {
    /// Last used last.
    private var machines: [(program: GrammarProgram, machine: TokenMachine)] = []

    private static let capacity = 8

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

/// Logits of a whole vocabulary, to be put back.
final class SavedLogits {
    private let saved: UnsafeMutableBufferPointer<Float>

    init(vocabularySize: Int) {
        saved = .allocate(capacity: vocabularySize)
        saved.initialize(repeating: 0)
    }

    deinit { saved.deallocate() }

    func save(_ logits: UnsafeMutableBufferPointer<Float>) { _ = saved.update(fromContentsOf: logits) }

    func restore(_ logits: UnsafeMutableBufferPointer<Float>) {
        _ = logits.update(fromContentsOf: saved[..<logits.count])
    }
}
