extension ScalarAutomaton {
    /// The automaton with the fewest states for the same texts (Hopcroft's algorithm).
    ///
    /// - Complexity: O(k n log n) for n states and k classes. An automaton of more than 8,000 states stays as it
    ///   is.
    var minimized: ScalarAutomaton {
        guard stateCount > 1, stateCount <= 8_000 else { return self }
        let width = alphabet.classCount
        // An extra state represents `dead`, so that every state has every transition.
        var partition = StatePartition(count: stateCount + 1) { $0 < stateCount ? (accepting[$0] ? 1 : 0) : 2 }
        let sources = StateSources(transitions, stateCount: stateCount, width: width)
        while let splittingBlock = partition.nextSplittingBlock() {
            for column in 0..<width {
                for state in splittingBlock { partition.mark(sources.leading(to: state, by: column)) }
                partition.split()
            }
        }
        let blocks = (0..<stateCount).map { partition.block(of: $0) }
        let blockCount = partition.count
        guard blockCount < stateCount + 1 else { return self }
        // The block of the start comes first, as blocks are numbered in the order of their states.
        var numbers = [Int32](repeating: Self.dead, count: blockCount)
        var representatives: [Int] = []
        for state in 0..<stateCount where numbers[Int(blocks[state])] == Self.dead {
            numbers[Int(blocks[state])] = Int32(representatives.count)
            representatives.append(state)
        }
        var reduced: [Int32] = []
        for state in representatives {
            for next in transitions[state * width..<(state + 1) * width] {
                reduced.append(next == Self.dead ? Self.dead : numbers[Int(blocks[Int(next)])])
            }
        }
        return ScalarAutomaton(
            alphabet: alphabet, trimmed: (reduced, representatives.map { accepting[$0] }))
    }
}

/// The inverse of the transitions: for each state and class, the states that lead to it.
private struct StateSources {
    private let offsets: [Int32]
    private let sources: [Int32]
    private let width: Int

    init(_ transitions: [Int32], stateCount: Int, width: Int) {
        self.width = width
        let dead = Int32(stateCount)
        var offsets = [Int32](repeating: 0, count: (stateCount + 1) * width + 1)
        func slot(_ next: Int32, _ column: Int) -> Int {
            Int(next == ScalarAutomaton.dead ? dead : next) * width + column
        }
        for index in transitions.indices { offsets[slot(transitions[index], index % width) + 1] += 1 }
        for index in 1..<offsets.count { offsets[index] += offsets[index - 1] }
        var filled = offsets
        var sources = [Int32](repeating: 0, count: transitions.count)
        for index in transitions.indices {
            let slot = slot(transitions[index], index % width)
            sources[Int(filled[slot])] = Int32(index / width)
            filled[slot] += 1
        }
        self.offsets = offsets
        self.sources = sources
    }

    /// The states that lead to `state` by a class.
    func leading(to state: Int32, by column: Int) -> ArraySlice<Int32> {
        let slot = Int(state) * width + column
        return sources[Int(offsets[slot])..<Int(offsets[slot + 1])]
    }
}

/// A partition of states into blocks, and the blocks by which others may still have to be split.
private struct StatePartition {
    /// The states; those of a block are adjacent, its marked ones first.
    private var states: [Int32] = []
    private var positions: [Int32]
    private var blocks: [Int32]
    private var starts: [Int] = []
    private var ends: [Int] = []
    private var marked: [Int] = []
    private var touched: [Int] = []
    private var waiting: [Int] = []

    /// Creates blocks of the states with equal kinds 0, 1 and 2.
    init(count: Int, kind: (Int) -> Int) {
        positions = [Int32](repeating: 0, count: count)
        blocks = [Int32](repeating: 0, count: count)
        for wanted in 0..<3 {
            let start = states.count
            for state in 0..<count where kind(state) == wanted {
                positions[state] = Int32(states.count)
                blocks[state] = Int32(starts.count)
                states.append(Int32(state))
            }
            if states.count > start { addBlock(start, states.count) }
        }
    }

    var count: Int { starts.count }

    /// The block of a state.
    func block(of state: Int) -> Int32 { blocks[state] }

    /// Adds a block of states that are adjacent.
    private mutating func addBlock(_ start: Int, _ end: Int) {
        waiting.append(starts.count)
        starts.append(start)
        ends.append(end)
        marked.append(0)
    }

    /// Removes a block from the work list; `nil` when the partition is stable.
    mutating func nextSplittingBlock() -> [Int32]? {
        guard let block = waiting.popLast() else { return nil }
        return Array(states[starts[block]..<ends[block]])
    }

    /// Marks states by moving them to the front of their blocks.
    mutating func mark(_ marks: ArraySlice<Int32>) {
        for state in marks {
            let block = Int(blocks[Int(state)])
            let position = Int(positions[Int(state)])
            let target = starts[block] + marked[block]
            guard position >= target else { continue }
            if marked[block] == 0 { touched.append(block) }
            states.swapAt(position, target)
            positions[Int(states[position])] = Int32(position)
            positions[Int(states[target])] = Int32(target)
            marked[block] += 1
        }
    }

    /// Separates the marked states of each block from its other states.
    mutating func split() {
        for block in touched {
            let middle = starts[block] + marked[block]
            marked[block] = 0
            guard middle < ends[block] else { continue }
            let isMarkedSmaller = middle - starts[block] <= ends[block] - middle
            // The smaller part becomes a new block. Splitting by it suffices; that gives the logarithm in the
            // complexity.
            let part = isMarkedSmaller ? starts[block]..<middle : middle..<ends[block]
            if isMarkedSmaller { starts[block] = middle } else { ends[block] = middle }
            for position in part { blocks[Int(states[position])] = Int32(starts.count) }
            addBlock(part.lowerBound, part.upperBound)
        }
        touched.removeAll(keepingCapacity: true)
    }
}
