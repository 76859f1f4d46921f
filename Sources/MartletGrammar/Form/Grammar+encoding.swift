extension Grammar {
    /// Bytes from which the grammar can be decoded in the worker process.
    ///
    /// Integers are LEB128 of at most 64 bits. Lists and texts are preceded by their count. An integer that may be
    /// absent is stored plus one, and 0 means that it is absent. The order is automata, expressions without `never` and
    /// `empty`, rules (name and body), root.
    ///
    /// | first byte | expression | contents |
    /// | --- | --- | --- |
    /// | 2 | literal | bytes |
    /// | 3 | byte set | four words |
    /// | 4, 5 | sequence, choice | numbers of expressions |
    /// | 6 | repetition | number of the body, minimum, maximum plus one |
    /// | 7 | reference | number of a rule |
    /// | 8 | automaton | number of an automaton |
    /// | 9 to 14 | token terms, in the order of `TokenTerm` | text or token id; lists of both for 14 |
    /// | 15 | item bound | the byte, and 1 if it opens an array |
    ///
    /// An automaton is stored as the number of states, the number of classes (plus 512 if it counts characters), the
    /// start, the classes of the 256 bytes, a byte for each state that says whether it accepts, the transitions plus
    /// one, and its bounds.
    package func encoded() -> [UInt8] {
        var writer = GrammarWriter()
        writer.write(automata.count)
        for automaton in automata { writer.write(automaton) }
        writer.write(expressions.count)
        for expression in expressions.dropFirst(2) { writer.write(expression) }
        writer.write(rules.count)
        for rule in rules {
            writer.write(rule.name)
            writer.write(rule.body)
        }
        writer.write(root)
        return writer.bytes
    }

    /// Decodes a grammar. Any bytes are safe: the result is checked like a new grammar.
    ///
    /// - Throws: an error of kind `encoding` for malformed bytes, and the errors of `GrammarBuilder.finish`.
    package init(decoding bytes: some Collection<UInt8>, limits: GrammarLimits) throws(GrammarError) {
        var reader = GrammarReader(bytes: Array(bytes))
        var automata: [ByteAutomaton] = []
        for _ in 0..<(try reader.count()) { automata.append(try reader.automaton()) }
        var expressions: [GrammarExpression] = [.never, .empty]
        let expressionCount = try reader.number()
        guard expressionCount <= reader.remainingCount + 2 else { throw .malformed }
        while expressions.count < expressionCount {
            expressions.append(try reader.expression(below: expressions.count, automatonCount: automata.count))
        }
        var rules: [Rule] = []
        for _ in 0..<(try reader.count()) {
            rules.append(Rule(name: try reader.text(), body: Int32(try reader.index(below: expressions.count))))
        }
        let root = try reader.index(below: rules.count)
        try reader.finish()
        for case .reference(let rule) in expressions where rule >= rules.count { throw .malformed }
        var builder = GrammarBuilder(limits: limits)
        let unchecked = Grammar(expressions: expressions, rules: rules, automata: automata, root: Int32(root))
        let rule = try builder.include(unchecked)
        self = try builder.finish(root: rule)
    }
}

extension GrammarError {
    fileprivate static let malformed = GrammarError(.encoding, "The bytes are not an encoded grammar.")
}

/// Appends the parts of a grammar to bytes.
private struct GrammarWriter {
    private(set) var bytes: [UInt8] = []

    mutating func write(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func write(_ value: Int) { write(UInt64(value)) }
    mutating func write(_ value: Int32) { write(UInt64(value)) }

    mutating func write(_ values: [Int32]) {
        write(values.count)
        for value in values { write(value) }
    }

    mutating func write(_ text: String) { write(Array(text.utf8)) }

    mutating func write(_ text: [UInt8]) {
        write(text.count)
        bytes += text
    }

    mutating func write(_ automaton: ByteAutomaton) {
        write(automaton.stateCount)
        write(automaton.classCount + (automaton.counting == nil ? 0 : Self.isCounted))
        write(automaton.start)
        bytes += automaton.classes
        for isAccepting in automaton.accepting { bytes.append(isAccepting ? 1 : 0) }
        for next in automaton.transitions { write(next + 1) }
        guard let counting = automaton.counting else { return }
        write(counting.betweenCount)
        write(counting.opening + 1)
        write(counting.closing + 1)
        write(counting.minimum)
        write(counting.maximum.map { $0 + 1 } ?? 0)
        for word in counting.live { write(word) }
    }

    /// A flag beside the number of classes, which is at most 256.
    static let isCounted = 512

    mutating func write(_ expression: GrammarExpression) {
        switch expression {
        case .never: write(0)
        case .empty: write(1)
        case .literal(let text):
            write(2)
            write(text)
        case .set(let set):
            write(3)
            for word in set.encoded { write(word) }
        case .sequence(let parts):
            write(4)
            write(parts)
        case .choice(let parts):
            write(5)
            write(parts)
        case .repetition(let child, let minimum, let maximum):
            write(6)
            write(child)
            write(minimum)
            write(maximum.map { $0 + 1 } ?? 0)
        case .reference(let rule):
            write(7)
            write(rule)
        case .automaton(let number):
            write(8)
            write(number)
        case .token(let term): write(term)
        case .itemBound(let byte, let opens):
            write(15)
            bytes += [byte, opens ? 1 : 0]
        }
    }

    mutating func write(_ term: TokenTerm) {
        switch term {
        case .controlToken(let text):
            write(9)
            write(text)
        case .id(let token):
            write(10)
            write(token)
        case .text(let text):
            write(11)
            write(text)
        case .otherThanID(let token):
            write(12)
            write(token)
        case .otherThanText(let text):
            write(13)
            write(text)
        case .controlOtherThan(let texts, let ids):
            write(14)
            write(texts.count)
            for text in texts { write(text) }
            write(ids)
        }
    }
}

/// Consumes the parts of a grammar from bytes; each function throws at malformed input.
private struct GrammarReader {
    let bytes: [UInt8]
    private var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    var remainingCount: Int { bytes.count - position }

    /// Checks that all bytes were consumed.
    mutating func finish() throws(GrammarError) {
        guard position == bytes.count else { throw .malformed }
    }

    /// One byte; at the end of the bytes an error.
    mutating func byte() throws(GrammarError) -> UInt8 {
        guard position < bytes.count else { throw .malformed }
        defer { position += 1 }
        return bytes[position]
    }

    /// A LEB128 integer of at most 64 bits.
    mutating func word() throws(GrammarError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            let byte = try byte()
            if shift == 63, byte > 1 { throw .malformed }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw .malformed
    }

    /// An integer that fits 32 bits and is not negative.
    mutating func number() throws(GrammarError) -> Int {
        guard let value = Int32(exactly: try word()) else { throw .malformed }
        return Int(value)
    }

    /// A number of elements. Each takes at least one byte, so that a count above the remaining bytes is malformed and
    /// cannot cause a large allocation.
    mutating func count() throws(GrammarError) -> Int {
        let count = try number()
        guard count <= bytes.count - position else { throw .malformed }
        return count
    }

    /// An integer below `limit`: a reference to an element that exists.
    mutating func index(below limit: Int) throws(GrammarError) -> Int {
        let index = try number()
        guard index < limit else { throw .malformed }
        return index
    }

    mutating func slice() throws(GrammarError) -> ArraySlice<UInt8> {
        let count = try count()
        defer { position += count }
        return bytes[position..<position + count]
    }

    /// A text; invalid UTF-8 is malformed.
    mutating func text() throws(GrammarError) -> String {
        guard let text = String(validating: try slice(), as: UTF8.self) else { throw .malformed }
        return text
    }

    /// An automaton whose parts fit together; it may contain useless states, which `GrammarBuilder` trims.
    mutating func automaton() throws(GrammarError) -> ByteAutomaton {
        let stateCount = try count()
        let width = try index(below: GrammarWriter.isCounted + 257)
        let isCounted = width >= GrammarWriter.isCounted
        let classCount = isCounted ? width - GrammarWriter.isCounted : width
        guard classCount <= 256 else { throw .malformed }
        let start = try number()
        guard stateCount * classCount <= bytes.count - position else { throw .malformed }
        var classes: [UInt8] = []
        for _ in 0..<256 { classes.append(try byte()) }
        var accepting: [Bool] = []
        for _ in 0..<stateCount { accepting.append(try byte() != 0) }
        var transitions: [Int32] = []
        for _ in 0..<stateCount * classCount { transitions.append(Int32(try number()) - 1) }
        let automaton = ByteAutomaton(
            validating: classes, classCount: classCount, transitions: transitions, accepting: accepting, start: start)
        guard let automaton else { throw .malformed }
        return isCounted ? try counted(automaton) : automaton
    }

    /// The bounds on characters of an automaton.
    private mutating func counted(_ automaton: ByteAutomaton) throws(GrammarError) -> ByteAutomaton {
        let betweenCount = try index(below: automaton.stateCount + 1)
        let opening = Int32(try index(below: automaton.stateCount + 1)) - 1
        let closing = Int32(try index(below: automaton.stateCount + 1)) - 1
        let minimum = try number()
        let maximum = try number()
        let top = maximum == 0 ? minimum : maximum - 1
        let (product, isTooLarge) = (top + 1).multipliedReportingOverflow(by: max(1, betweenCount))
        let (states, isTooLong) = (top + 1).multipliedReportingOverflow(by: automaton.stateCount)
        guard !isTooLarge, !isTooLong, product <= ByteAutomaton.Counting.most, states < Int(Int32.max),
            minimum <= top, automaton.isWithinCharacters(from: betweenCount)
        else { throw .malformed }
        var live: [UInt64] = []
        for _ in 0..<(product + 63) / 64 { live.append(try word()) }
        return ByteAutomaton(
            automaton,
            counting: ByteAutomaton.Counting(
                betweenCount: betweenCount, opening: opening, closing: closing, minimum: minimum,
                maximum: maximum == 0 ? nil : maximum - 1, live: live))
    }

    /// An expression, which refers only to expressions before it.
    ///
    /// - Parameter limit: the number of expressions before it.
    mutating func expression(below limit: Int, automatonCount: Int) throws(GrammarError) -> GrammarExpression {
        switch try byte() {
        case 0: return .never
        case 1: return .empty
        case 2: return .literal(Array(try slice()))
        case 3:
            var words: [UInt64] = []
            for _ in 0..<4 { words.append(try word()) }
            return .set(ByteSet(encoded: words))
        case 4: return .sequence(try list(below: limit))
        case 5: return .choice(try list(below: limit))
        case 6:
            let child = Int32(try index(below: limit))
            let minimum = Int32(try number())
            let maximum = Int32(try number())
            return .repetition(child, minimum: minimum, maximum: maximum == 0 ? nil : maximum - 1)
        case 7: return .reference(Int32(try number()))
        case 8: return .automaton(Int32(try index(below: automatonCount)))
        case 9: return .token(.controlToken(try text()))
        case 10: return .token(.id(Int32(try number())))
        case 11: return .token(.text(try text()))
        case 12: return .token(.otherThanID(Int32(try number())))
        case 13: return .token(.otherThanText(try text()))
        case 14:
            var texts: [String] = []
            for _ in 0..<(try count()) { texts.append(try text()) }
            return .token(.controlOtherThan(texts: texts, ids: try list(below: .max)))
        case 15:
            let bound = try byte()
            return .itemBound(bound, opens: try byte() != 0)
        default: throw .malformed
        }
    }

    /// A list of references to elements below `limit`.
    private mutating func list(below limit: Int) throws(GrammarError) -> [Int32] {
        var list: [Int32] = []
        for _ in 0..<(try count()) { list.append(Int32(try index(below: limit))) }
        return list
    }
}
