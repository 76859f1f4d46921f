import MartletGrammar

/// The machines of the grammars used last: generations with one grammar share what was found out about it.
///
/// Used by the engine's thread alone.
struct ConstraintMachines {
    /// Last used last.
    private var machines: [(program: GrammarProgram, machine: TokenMachine)] = []

    private static let keptCount = 8

    mutating func matcher(for constraint: CompiledConstraint) -> TokenMatcher {
        if let index = machines.firstIndex(where: { $0.program === constraint.program }) {
            let entry = machines.remove(at: index)
            machines.append(entry)
            return TokenMatcher(entry.machine)
        }
        let machine = TokenMachine(constraint.program, vocabulary: constraint.vocabulary)
        machines.append((constraint.program, machine))
        if machines.count > Self.keptCount { machines.removeFirst() }
        return TokenMatcher(machine)
    }
}

/// Scores of a whole vocabulary, to be put back.
final class KeptScores {
    private let scores: UnsafeMutableBufferPointer<Float>

    init(vocabularySize: Int) {
        scores = .allocate(capacity: vocabularySize)
        scores.initialize(repeating: 0)
    }

    deinit { scores.deallocate() }

    func keep(_ logits: UnsafeMutableBufferPointer<Float>) { _ = scores.update(fromContentsOf: logits) }

    func restore(_ logits: UnsafeMutableBufferPointer<Float>) {
        _ = logits.update(fromContentsOf: scores[..<logits.count])
    }
}
