/// Decides whose tokens go into the next decode.
///
/// There are two kinds of decode, and where both have work they alternate, the narrow one first: a narrow one holds the
/// next token of every sequence that writes, and ends of prompts; a wide one holds whole chunks of prompts. So how a
/// token is computed depends on its own place in its own prompt and not on who else is there (see design.md). Prompts
/// share a budget equally; where there are too many for chunks worth computing, they take turns.
struct BatchPlanner: Sendable {
    /// A sequence that has tokens to compute.
    struct Demand: Sendable, Equatable {
        var sequence: Int
        /// Tokens that may be computed next in a decode of this kind: at least 1; of a wide one whole chunks.
        var count: Int
        var isWide = false
        /// Whether this is the last token written, so somebody waits for the next.
        var isWriting = false
    }

    /// How many tokens of a sequence take part.
    struct Share: Sendable, Equatable {
        var sequence: Int
        var count: Int
        var isWriting = false
    }

    let shape: BatchShape
    /// In a narrow decode a part of a prompt is not much smaller than this unless less is left or allowed.
    private let minimumPart = 16
    private var lastWasWide = true
    /// Where the next turn begins, when not all fit: of those that write, and of prompts.
    private var writerRotation = 0
    private var promptRotation = 0
    // Used again every time.
    private var prompts: [Demand] = []

    init(shape: BatchShape) { self.shape = shape }

    /// Fills `shares` for the next decode.
    ///
    /// - Parameter promptBudget: most prompt tokens; a wide decode takes one chunk at least.
    /// - Complexity: linear in the number of demands.
    mutating func plan(_ demands: [Demand], promptBudget: Int, into shares: inout [Share]) {
        shares.removeAll(keepingCapacity: true)
        let hasWide = demands.contains(where: \.isWide)
        let hasNarrow = demands.contains { !$0.isWide }
        lastWasWide = hasWide && (!hasNarrow || !lastWasWide)
        if lastWasWide {
            distribute(
                demands.lazy.filter(\.isWide), budget: min(promptBudget, shape.wideLimit), unit: BatchShape.chunk,
                limit: shape.wideLimit, minimum: BatchShape.chunk, into: &shares)
        } else {
            takeWriters(demands, into: &shares)
            distribute(
                demands.lazy.filter { !$0.isWide && !$0.isWriting },
                budget: min(promptBudget, shape.narrowLimit - shares.count), unit: 1,
                limit: shape.narrowLimit - shares.count, minimum: minimumPart,
                into: &shares)
        }
        // libllama computes sequences together only if their numbers follow each other.
        shares.sort { $0.sequence < $1.sequence }
    }

    private mutating func takeWriters(_ demands: [Demand], into shares: inout [Share]) {
        let writers = demands.count(where: \.isWriting)
        guard writers > 0 else { return }
        let takers = min(writers, shape.narrowLimit)
        let start = writerRotation % writers
        writerRotation = takers < writers ? start + takers : 0
        var index = 0
        for demand in demands where demand.isWriting {
            if (index - start + writers) % writers < takers {
                shares.append(Share(sequence: demand.sequence, count: 1, isWriting: true))
            }
            index += 1
        }
    }

    /// Gives every prompt the same number of units, and what short ones do not need to the others. Who would then lack less
    /// than half of what is worth computing gets that too, up to `limit`.
    private mutating func distribute(
        _ demands: some Sequence<Demand>, budget: Int, unit: Int, limit: Int, minimum: Int, into shares: inout [Share]
    ) {
        prompts.removeAll(keepingCapacity: true)
        prompts.append(contentsOf: demands)
        guard !prompts.isEmpty, budget > 0 || unit > 1 else { return }
        // As many prompts as can have a part worth computing; who is left out this time comes first next time.
        let takers = max(1, min(prompts.count, (budget + (minimum - unit) / 2) / minimum))
        let start = promptRotation % prompts.count
        promptRotation = takers < prompts.count ? start + takers : 0
        prompts = (0..<takers).map { prompts[(start + $0) % prompts.count] }

        let first = shares.count
        for prompt in prompts { shares.append(Share(sequence: prompt.sequence, count: 0)) }
        var units = max(1, budget / unit)
        var open = takers
        while units > 0, open > 0 {
            let equal = max(1, units / open)
            open = 0
            for (position, prompt) in prompts.enumerated() where units > 0 {
                let wanted = prompt.count / unit - shares[first + position].count / unit
                let granted = min(equal, wanted, units)
                shares[first + position].count += granted * unit
                units -= granted
                if granted < wanted { open += 1 }
            }
        }
        var left = limit - shares[first...].reduce(0) { $0 + $1.count }
        for (position, prompt) in prompts.enumerated() where shares[first + position].count > 0 {
            let rest = prompt.count - shares[first + position].count
            guard rest < minimum / 2, rest <= left else { continue }
            shares[first + position].count += rest
            left -= rest
        }
        shares.removeAll { $0.count == 0 }
    }
}
