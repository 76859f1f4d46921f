import MartletGrammar

/// A deterministic automaton over Unicode scalars: the set of texts that it accepts.
///
/// The alphabet is `alphabet`'s classes. From every state an accepted text can be completed; transitions to hopeless
/// states are `dead`. An automaton that accepts nothing has one state.
struct ScalarAutomaton: Hashable, Sendable {
    let alphabet: Alphabet
    /// A row for each state and a column for each class: the next state, or `dead`.
    let transitions: [Int32]
    let accepting: [Bool]
    /// The number of the first state.
    static let start = 0
    /// A transition that no accepted text has.
    static let dead = StateTable.dead
    /// The largest number of states.
    static let stateLimit = 10_000

    var stateCount: Int { accepting.count }
    var isEmpty: Bool { !accepting.contains(true) }

    /// Creates an automaton; unreachable and hopeless states are removed.
    init(alphabet: Alphabet, transitions: [Int32], accepting: [Bool]) {
        let table = StateTable.trimmed(transitions, accepting, width: alphabet.classCount)
        self.init(
            alphabet: alphabet,
            trimmed: table ?? ([Int32](repeating: Self.dead, count: alphabet.classCount), [false]))
    }

    /// - Parameter table: a table from which trimming would remove nothing.
    init(alphabet: Alphabet, trimmed table: (transitions: [Int32], accepting: [Bool])) {
        self.alphabet = alphabet
        transitions = table.transitions
        accepting = table.accepting
    }

    /// All texts.
    static let everything = ScalarAutomaton(
        alphabet: Alphabet(separating: []), transitions: [0], accepting: [true])
    /// No text.
    static let nothing = ScalarAutomaton(
        alphabet: Alphabet(separating: []), transitions: [dead], accepting: [false])

    /// Accepts exactly `texts`: a prefix tree.
    init(texts: some Sequence<String>) {
        var children: [[UInt32: Int32]] = [[:]]
        var accepting = [false]
        for text in texts {
            var state = 0
            for scalar in text.unicodeScalars {
                if let child = children[state][scalar.value] {
                    state = Int(child)
                } else {
                    children[state][scalar.value] = Int32(children.count)
                    state = children.count
                    children.append([:])
                    accepting.append(false)
                }
            }
            accepting[state] = true
        }
        let scalars = Set(children.flatMap(\.keys)).sorted()
        let alphabet = Alphabet(separating: scalars.map { ScalarSet([$0...$0]) })
        var transitions = [Int32](repeating: Self.dead, count: children.count * alphabet.classCount)
        for (state, row) in children.enumerated() {
            for (scalar, child) in row { transitions[state * alphabet.classCount + alphabet.classOf(scalar)] = child }
        }
        self.init(alphabet: alphabet, transitions: transitions, accepting: accepting)
    }

    static func == (left: ScalarAutomaton, right: ScalarAutomaton) -> Bool {
        left.transitions == right.transitions && left.accepting == right.accepting && left.alphabet == right.alphabet
    }

    /// Hashes a sample of about 64 transitions. Hashing all of them would take longer than the work that a cache
    /// saves.
    func hash(into hasher: inout Hasher) {
        hasher.combine(stateCount)
        hasher.combine(alphabet.starts.count)
        for index in stride(from: 0, to: transitions.count, by: 1 + transitions.count / 64) {
            hasher.combine(transitions[index])
        }
    }

    /// The state after a scalar of a class.
    func next(_ state: Int32, class number: Int) -> Int32 {
        state == Self.dead ? Self.dead : transitions[Int(state) * alphabet.classCount + number]
    }

    /// Whether a text is accepted.
    func matches(_ text: String) -> Bool {
        var state = Int32(Self.start)
        for scalar in text.unicodeScalars {
            state = next(state, class: alphabet.classOf(scalar.value))
            if state == Self.dead { return false }
        }
        return accepting[Int(state)]
    }

    /// All texts that are not accepted.
    var complement: ScalarAutomaton {
        let width = alphabet.classCount
        let sink = Int32(stateCount)
        var transitions = transitions.map { $0 == Self.dead ? sink : $0 }
        transitions += [Int32](repeating: sink, count: width)
        return ScalarAutomaton(
            alphabet: alphabet, transitions: transitions, accepting: accepting.map { !$0 } + [true])
    }

    /// The texts that both accept.
    ///
    /// - Throws: an error if the product has more than `stateLimit` states. It has at most n × m before
    ///   minimization.
    func intersection(_ other: ScalarAutomaton) throws(RegexError) -> ScalarAutomaton {
        if self == .everything { return other }
        if other == .everything { return self }
        return try combined(with: other, keepsDead: false) { $0 && $1 }
    }

    /// The texts that one of them accepts.
    func union(_ other: ScalarAutomaton) throws(RegexError) -> ScalarAutomaton {
        try combined(with: other, keepsDead: true) { $0 || $1 }
    }

    /// The texts that this one accepts and `other` does not.
    func subtracting(_ other: ScalarAutomaton) throws(RegexError) -> ScalarAutomaton {
        try intersection(other.complement)
    }

    /// The product automaton of reachable pairs, minimized.
    private func combined(
        with other: ScalarAutomaton, keepsDead: Bool, _ accepts: (Bool, Bool) -> Bool
    ) throws(RegexError) -> ScalarAutomaton {
        let (alphabet, pairs) = Alphabet.merged(alphabet, other.alphabet)
        func key(_ left: Int32, _ right: Int32) -> UInt64 {
            UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
        }
        var numbers: [UInt64: Int32] = [key(0, 0): 0]
        var states: [(Int32, Int32)] = [(0, 0)]
        var transitions: [Int32] = []
        var accepting: [Bool] = []
        var position = 0
        while position < states.count {
            let (left, right) = states[position]
            position += 1
            accepting.append(
                accepts(
                    left != Self.dead && self.accepting[Int(left)], right != Self.dead && other.accepting[Int(right)]))
            for pair in pairs {
                let nextLeft = next(left, class: pair.0)
                let nextRight = other.next(right, class: pair.1)
                let isDead =
                    keepsDead
                    ? nextLeft == Self.dead && nextRight == Self.dead : nextLeft == Self.dead || nextRight == Self.dead
                if isDead {
                    transitions.append(Self.dead)
                    continue
                }
                let key = key(nextLeft, nextRight)
                if let number = numbers[key] {
                    transitions.append(number)
                } else {
                    guard states.count < Self.stateLimit else { throw Self.tooLarge }
                    numbers[key] = Int32(states.count)
                    transitions.append(Int32(states.count))
                    states.append((nextLeft, nextRight))
                }
            }
        }
        return ScalarAutomaton(alphabet: alphabet, transitions: transitions, accepting: accepting).minimized
    }

    static var tooLarge: RegexError { RegexError(message: "an automaton of more than \(stateLimit) states") }

    /// The largest number of states with the length as part of the state.
    static let countedLimit = 6_000
    /// The largest length that is counted beside an automaton. A longer `maxLength` is cut to it, which admits
    /// fewer texts.
    static let mostCounted = 4_000
    static var tooLong: RegexError {
        RegexError(message: "more than \(mostCounted) characters are required together with a pattern or format")
    }
    static var tooLargeToCount: RegexError {
        RegexError(message: "with its pattern or format it makes an automaton of more than \(countedLimit) states")
    }

    /// An estimate of states and edges after spelling, for so many copies; saturates.
    func spelledSize(copies: Int = 1) -> Int {
        let (size, isTooLarge) = (stateCount * alphabet.starts.count).multipliedReportingOverflow(by: copies)
        return isTooLarge ? .max : size
    }

    /// The texts of at least `minimum` and at most `maximum` scalars, with the length as part of the state.
    ///
    /// - Throws: an error if it has more than `countedLimit` states.
    func limited(to minimum: Int, _ maximum: Int?) throws(RegexError) -> ScalarAutomaton {
        let own = lengths
        if isEmpty || own.minimum >= minimum && own.maximum ?? .max <= maximum ?? .max { return self }
        let top = maximum.map { $0 + 1 } ?? minimum
        guard top <= Self.countedLimit, stateCount * (top + 1) <= Self.stateLimit * 8 else {
            throw Self.tooLargeToCount
        }
        // The count goes no further than `top`: there it is above the maximum, or has reached the minimum.
        let width = alphabet.classCount
        var numbers = [Int32](repeating: Self.dead, count: stateCount * (top + 1))
        var states: [(state: Int, count: Int)] = [(0, 0)]
        numbers[0] = 0
        var transitions: [Int32] = []
        var accepting: [Bool] = []
        var position = 0
        while position < states.count {
            let (state, count) = states[position]
            position += 1
            accepting.append(self.accepting[state] && count >= minimum)
            let nextCount = maximum == nil ? min(count + 1, top) : count + 1
            for column in 0..<width {
                let next = self.transitions[state * width + column]
                guard next != Self.dead, maximum.map({ nextCount <= $0 }) ?? true else {
                    transitions.append(Self.dead)
                    continue
                }
                let slot = Int(next) * (top + 1) + nextCount
                if numbers[slot] == Self.dead {
                    guard states.count < Self.countedLimit else { throw Self.tooLargeToCount }
                    numbers[slot] = Int32(states.count)
                    states.append((Int(next), nextCount))
                }
                transitions.append(numbers[slot])
            }
        }
        return ScalarAutomaton(alphabet: alphabet, transitions: transitions, accepting: accepting)
    }

    /// Whether a text of at least `minimum` and at most `maximum` scalars is accepted.
    func hasTexts(from minimum: Int, to maximum: Int?) throws(RegexError) -> Bool {
        let own = lengths
        guard !isEmpty, own.minimum <= maximum ?? .max, own.maximum ?? .max >= minimum else { return false }
        if own.minimum >= minimum || maximum == nil { return true }
        guard minimum <= Self.mostCounted else { throw Self.tooLong }
        // A text that is longer than `minimum` by more than the number of states has a loop, and so a shorter one
        // exists.
        let top = min(maximum ?? minimum, minimum + stateCount)
        // The states that texts of one length lead to, one length after the other.
        var states: Set<Int32> = [0]
        for length in 0...top {
            if length >= minimum, states.contains(where: { accepting[Int($0)] }) { return true }
            states = Set(
                states.flatMap { state in
                    transitions[Int(state) * alphabet.classCount..<(Int(state) + 1) * alphabet.classCount]
                }.filter { $0 != Self.dead })
        }
        return false
    }

    /// The length of the shortest and of the longest text; `nil` if there is no longest.
    var lengths: (minimum: Int, maximum: Int?) {
        var distance = [Int](repeating: -1, count: stateCount)
        distance[0] = 0
        var queue = [0]
        var shortest: Int?
        var incoming = [Int](repeating: 0, count: stateCount)
        // The count saturates at `top`: there it exceeds the maximum, or has reached the minimum.
        let width = alphabet.classCount
        var position = 0
        while position < queue.count {
            let state = queue[position]
            position += 1
            if accepting[state], shortest == nil { shortest = distance[state] }
            for column in 0..<width {
                let next = Int(transitions[state * width + column])
                guard next >= 0 else { continue }
                incoming[next] += 1
                if distance[next] < 0 {
                    distance[next] = distance[state] + 1
                    queue.append(next)
                }
            }
        }
        // Without loops the states can be sorted so that every transition leads forward.
        guard incoming[0] == 0 else { return (shortest ?? 0, nil) }
        var longest = [Int](repeating: 0, count: stateCount)
        var ready = [0]
        var visitedCount = 0
        while let state = ready.popLast() {
            visitedCount += 1
            for column in 0..<width {
                let next = Int(transitions[state * width + column])
                guard next >= 0 else { continue }
                longest[next] = max(longest[next], longest[state] + 1)
                incoming[next] -= 1
                if incoming[next] == 0 { ready.append(next) }
            }
        }
        return (shortest ?? 0, visitedCount == stateCount ? longest.max() : nil)
    }
}
