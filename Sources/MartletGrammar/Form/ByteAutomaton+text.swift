extension ByteAutomaton {
    /// One Unicode scalar of `ranges` as UTF-8. Surrogates and numbers above U+10FFFF are left out.
    ///
    /// - Returns: `nil` if no scalar is left.
    package static func character(in ranges: [ClosedRange<UInt32>]) -> ByteAutomaton? {
        var builder = ByteRangeAutomaton()
        let sequences = ScalarRanges.normalized(ranges).flatMap(ScalarRanges.byteRanges)
        guard !sequences.isEmpty else { return nil }
        let start = builder.state(for: sequences.map { $0[...] })
        return builder.finish(start: start)
    }

    /// Any bytes in which no delimiter occurs; or, if `consumingDelimiter`, any bytes up to and including the first
    /// delimiter.
    ///
    /// An Aho-Corasick automaton: a trie of the delimiters in which each state has a transition for each byte. Empty
    /// delimiters are ignored.
    ///
    /// - Complexity: O(256 × bytes of the delimiters).
    package static func anything(until delimiters: [String], consumingDelimiter: Bool) -> ByteAutomaton {
        var children: [[UInt8: Int]] = [[:]]
        var ends = [false]
        for delimiter in delimiters where !delimiter.isEmpty {
            var state = 0
            for byte in delimiter.utf8 {
                if let child = children[state][byte] {
                    state = child
                } else {
                    children.append([:])
                    ends.append(false)
                    children[state][byte] = children.count - 1
                    state = children.count - 1
                }
            }
            ends[state] = true
        }
        var rows = [[Int32]](repeating: [Int32](repeating: 0, count: 256), count: children.count)
        var shorter = [Int](repeating: 0, count: children.count)
        var order = [0]
        var position = 0
        while position < order.count {
            let state = order[position]
            position += 1
            for byte in 0..<256 {
                let fallback = state == 0 ? 0 : rows[shorter[state]][byte]
                if let child = children[state][UInt8(byte)] {
                    rows[state][byte] = Int32(child)
                    shorter[child] = Int(fallback)
                    if ends[Int(fallback)] { ends[child] = true }
                    order.append(child)
                } else {
                    rows[state][byte] = fallback
                }
            }
        }
        for state in rows.indices {
            for byte in 0..<256 {
                if consumingDelimiter, ends[state] {
                    rows[state][byte] = dead
                } else if !consumingDelimiter, ends[Int(rows[state][byte])] {
                    rows[state][byte] = dead
                }
            }
        }
        return ByteAutomaton(rows: rows, accepting: ends.map { $0 == consumingDelimiter }, start: 0)
    }
}

/// Operations on ranges of Unicode scalars, and their UTF-8 spelling.
package enum ScalarRanges {
    /// The same scalars as disjoint ascending ranges, without surrogates.
    package static func normalized(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        var merged: [ClosedRange<UInt32>] = []
        let scalars: [ClosedRange<UInt32>] = [0...0xD7FF, 0xE000...0x10FFFF]
        let sorted = ranges.sorted { $0.lowerBound < $1.lowerBound }
        for valid in scalars {
            for range in sorted where range.overlaps(valid) {
                let part = range.clamped(to: valid)
                if let last = merged.last, valid.contains(last.upperBound), part.lowerBound <= last.upperBound + 1 {
                    merged[merged.count - 1] = last.lowerBound...max(last.upperBound, part.upperBound)
                } else {
                    merged.append(part)
                }
            }
        }
        return merged
    }

    /// All scalars that are in none of the ranges.
    package static func complement(of ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        var rest: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in normalized(ranges) {
            if range.lowerBound > next { rest.append(next...range.lowerBound - 1) }
            next = range.upperBound + 1
        }
        if next <= 0x10FFFF { rest.append(next...0x10FFFF) }
        return normalized(rest)
    }

    /// Sequences of byte ranges that together are the UTF-8 of exactly the scalars of `range`.
    ///
    /// Example: U+0080 to U+07FF is [C2…DF, 80…BF]. The first byte ranges of two sequences, also of disjoint scalar
    /// ranges, are either equal single bytes or disjoint, so that a deterministic automaton follows directly.
    package static func byteRanges(_ range: ClosedRange<UInt32>) -> [[ClosedRange<UInt8>]] {
        var result: [[ClosedRange<UInt8>]] = []
        var work = [range]
        while let range = work.popLast() {
            let (low, high) = (range.lowerBound, range.upperBound)
            if let limit = [UInt32(0x7F), 0x7FF, 0xFFFF].first(where: { low <= $0 && $0 < high }) {
                work.append(limit + 1...high)
                work.append(low...limit)
                continue
            }
            if high <= 0x7F {
                result.append([UInt8(low)...UInt8(high)])
                continue
            }
            // A range whose low bits do not span all values is split: the incomplete ends become ranges of their
            // own.
            var isSplit = false
            for shift in stride(from: UInt32(6), through: 18, by: 6) {
                let mask: UInt32 = (1 << shift) - 1
                guard low & ~mask != high & ~mask else { continue }
                if low & mask != 0 {
                    work.append((low | mask) + 1...high)
                    work.append(low...low | mask)
                    isSplit = true
                } else if high & mask != mask {
                    work.append(high & ~mask...high)
                    work.append(low...(high & ~mask) - 1)
                    isSplit = true
                }
                if isSplit { break }
            }
            if !isSplit { result.append(zip(utf8(low), utf8(high)).map { $0...$1 }) }
        }
        return result
    }

    /// The UTF-8 bytes of a scalar. Also defined for surrogates, which this file never passes.
    package static func utf8(_ scalar: UInt32) -> [UInt8] {
        func tail(_ shift: UInt32) -> UInt8 { UInt8(0x80 | scalar >> shift & 0x3F) }
        return switch scalar {
        case ...0x7F: [UInt8(scalar)]
        case ...0x7FF: [UInt8(0xC0 | scalar >> 6), tail(0)]
        case ...0xFFFF: [UInt8(0xE0 | scalar >> 12), tail(6), tail(0)]
        default: [UInt8(0xF0 | scalar >> 18 & 7), tail(12), tail(6), tail(0)]
        }
    }
}

/// Builds the smallest automaton of sequences of byte ranges.
private struct ByteRangeAutomaton {
    typealias Tail = ArraySlice<ClosedRange<UInt8>>
    private struct Edge: Hashable {
        var range: ClosedRange<UInt8>
        var next: Int32
    }

    private var numbers: [[Edge]: Int32] = [:]
    private var states: [[Edge]] = []

    /// The state from which exactly `tails` lead to the end; equal states are merged.
    ///
    /// - Complexity: the recursion is at most four deep, the longest sequence.
    mutating func state(for tails: [Tail]) -> Int32 {
        var edges: [Edge] = []
        var position = 0
        let sorted = tails.filter { !$0.isEmpty }.sorted { first($0) < first($1) }
        while position < sorted.count {
            guard let range = sorted[position].first else { break }
            var group: [Tail] = []
            while position < sorted.count, sorted[position].first == range {
                group.append(sorted[position].dropFirst())
                position += 1
            }
            edges.append(Edge(range: range, next: state(for: group)))
        }
        if let known = numbers[edges] { return known }
        let state = Int32(states.count)
        states.append(edges)
        numbers[edges] = state
        return state
    }

    private func first(_ tail: Tail) -> UInt8 { tail.first?.lowerBound ?? 0 }

    /// The automaton with a start state. Bytes between two bounds of ranges share a class.
    func finish(start: Int32) -> ByteAutomaton? {
        // A class of bytes reaches from one bound to the next.
        var bounds = [Bool](repeating: false, count: 257)
        for edge in states.joined() {
            bounds[Int(edge.range.lowerBound)] = true
            bounds[Int(edge.range.upperBound) + 1] = true
        }
        var classes = [UInt8](repeating: 0, count: 256)
        for byte in 1..<256 { classes[byte] = classes[byte - 1] + (bounds[byte] ? 1 : 0) }
        let classCount = Int(classes[255]) + 1
        var transitions = [Int32](repeating: ByteAutomaton.dead, count: states.count * classCount)
        for (state, edges) in states.enumerated() {
            for edge in edges {
                for column in classes[Int(edge.range.lowerBound)]...classes[Int(edge.range.upperBound)] {
                    transitions[state * classCount + Int(column)] = edge.next
                }
            }
        }
        return ByteAutomaton(
            classes: classes, classCount: classCount, transitions: transitions, accepting: states.map(\.isEmpty),
            start: Int(start)
        ).trimmed()
    }
}
