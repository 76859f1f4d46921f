/// Operations on transition tables of deterministic automata: a row for each state, a column for each class of
/// input.
package enum StateTable {
    /// A transition that no accepted input has.
    package static let dead: Int32 = -1

    /// The table without unreachable and hopeless states, numbered in breadth-first order.
    ///
    /// - Returns: `nil` if nothing is accepted.
    /// - Complexity: linear in the table.
    package static func trimmed(
        _ transitions: [Int32], _ accepting: [Bool], width: Int, start: Int = 0
    ) -> (transitions: [Int32], accepting: [Bool])? {
        var numbers = [Int32](repeating: dead, count: accepting.count)
        var order = [start]
        order.reserveCapacity(accepting.count)
        numbers[start] = 0
        var reached: [Int32] = []
        reached.reserveCapacity(transitions.count)
        var position = 0
        while position < order.count {
            let row = order[position] * width
            position += 1
            for next in transitions[row..<row + width] {
                if next == dead {
                    reached.append(dead)
                    continue
                }
                if numbers[Int(next)] == dead {
                    numbers[Int(next)] = Int32(order.count)
                    order.append(Int(next))
                }
                reached.append(numbers[Int(next)])
            }
        }
        let accepted = order.map { accepting[$0] }
        let live = statesThatEnd(reached, accepted, width)
        guard live[0] else { return nil }
        guard live.contains(false) else { return (reached, accepted) }
        // A completable state is reached only through completable states, so that the order of the others stays.
        var count: Int32 = 0
        for state in live.indices {
            numbers[state] = live[state] ? count : dead
            if live[state] { count += 1 }
        }
        var kept: [Int32] = []
        kept.reserveCapacity(Int(count) * width)
        for state in live.indices where live[state] {
            for next in reached[state * width..<(state + 1) * width] {
                kept.append(next == dead ? dead : numbers[Int(next)])
            }
        }
        return (kept, zip(accepted, live).compactMap { $1 ? $0 : nil })
    }

    /// For each state, whether some input leads to an accepting state.
    private static func statesThatEnd(_ transitions: [Int32], _ accepting: [Bool], _ width: Int) -> [Bool] {
        var live = accepting
        // Most transitions lead to later states, so that a few passes from the end suffice. Otherwise the transitions
        // are inverted and searched backwards.
        for _ in 0..<looks {
            var isOpen = false
            var isChanged = false
            for state in live.indices.reversed() where !live[state] {
                isOpen = true
                for next in transitions[state * width..<(state + 1) * width] where next != dead && live[Int(next)] {
                    live[state] = true
                    isChanged = true
                    break
                }
            }
            if !isOpen || !isChanged { return live }
        }
        var offsets = [Int](repeating: 0, count: live.count + 1)
        for next in transitions where next != dead { offsets[Int(next) + 1] += 1 }
        for state in live.indices { offsets[state + 1] += offsets[state] }
        var sources = [Int32](repeating: 0, count: offsets[live.count])
        var filled = offsets
        for index in transitions.indices where transitions[index] != dead {
            let next = Int(transitions[index])
            sources[filled[next]] = Int32(index / width)
            filled[next] += 1
        }
        var work = live.indices.filter { live[$0] }
        while let state = work.popLast() {
            for source in sources[offsets[state]..<offsets[state + 1]] where !live[Int(source)] {
                live[Int(source)] = true
                work.append(Int(source))
            }
        }
        return live
    }

    private static let looks = 4
}
