extension Grammar {
    /// Bytes from which the grammar can be made again.
    ///
    /// Whole numbers as LEB128, lists with their count in front.
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

    /// Whatever the bytes are: a grammar that is checked like a new one, or an error.
    package init(decoding bytes: some Collection<UInt8>, limits: GrammarLimits) throws(GrammarError) {
        var reader = GrammarReader(bytes: Array(bytes))
        var builder = GrammarBuilder(limits: limits)
        var automata: [ByteAutomaton] = []
        for _ in 0..<(try reader.count()) { automata.append(try reader.automaton()) }
        var nodes = [builder.never(), builder.empty()]
        let expressionCount = try reader.number()
        var rules: [GrammarBuilder.Rule] = []
        while nodes.count < expressionCount {
            nodes.append(try reader.node(&builder, nodes: nodes, automata: automata, rules: &rules))
            if let failure = builder.failure { throw failure }
        }
        let ruleCount = try reader.count()
        guard ruleCount > 0, rules.count <= ruleCount else { throw .malformed }
        for index in 0..<ruleCount {
            let name = try reader.text()
            let body = try reader.index(below: nodes.count)
            if index >= rules.count { rules.append(builder.rule(named: name)) }
            if let failure = builder.failure { throw failure }
            builder.name(rules[index], name)
            builder.define(rules[index], as: nodes[body])
        }
        let root = try reader.index(below: ruleCount)
        try reader.finish()
        self = try builder.finish(root: rules[root])
    }
}

extension GrammarError {
    fileprivate static let malformed = GrammarError(.encoding, "The bytes are no grammar.")
}

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
        write(automaton.classCount)
        write(automaton.start)
        bytes += automaton.classes
        for isAccepting in automaton.accepting { bytes.append(isAccepting ? 1 : 0) }
        for next in automaton.transitions { write(next + 1) }
    }

    mutating func write(_ expression: Expression) {
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
        }
    }

    mutating func write(_ term: TokenTerm) {
        switch term {
        case .marker(let text):
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
        }
    }
}

private struct GrammarReader {
    let bytes: [UInt8]
    private var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func finish() throws(GrammarError) {
        guard position == bytes.count else { throw .malformed }
    }

    mutating func byte() throws(GrammarError) -> UInt8 {
        guard position < bytes.count else { throw .malformed }
        defer { position += 1 }
        return bytes[position]
    }

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

    mutating func number() throws(GrammarError) -> Int {
        guard let value = Int32(exactly: try word()) else { throw .malformed }
        return Int(value)
    }

    /// Of things that take a byte each at least.
    mutating func count() throws(GrammarError) -> Int {
        let count = try number()
        guard count <= bytes.count - position else { throw .malformed }
        return count
    }

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

    mutating func text() throws(GrammarError) -> String {
        guard let text = String(validating: try slice(), as: UTF8.self) else { throw .malformed }
        return text
    }

    mutating func automaton() throws(GrammarError) -> ByteAutomaton {
        let stateCount = try count()
        let classCount = try index(below: 257)
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
        return automaton
    }

    /// - Parameter rules: grows up to the highest rule that is referred to.
    mutating func node(
        _ builder: inout GrammarBuilder, nodes: [GrammarBuilder.Node], automata: [ByteAutomaton],
        rules: inout [GrammarBuilder.Rule]
    ) throws(GrammarError) -> GrammarBuilder.Node {
        switch try byte() {
        case 0: return builder.never()
        case 1: return builder.empty()
        case 2: return builder.bytes(try slice())
        case 3:
            var words: [UInt64] = []
            for _ in 0..<4 { words.append(try word()) }
            return builder.byteSet(ByteSet(encoded: words))
        case 4: return builder.sequence(try list(of: nodes))
        case 5: return builder.choice(try list(of: nodes))
        case 6:
            let child = nodes[try index(below: nodes.count)]
            let minimum = try number()
            let maximum = try number()
            return try builder.repetition(child, minimum, maximum == 0 ? nil : maximum - 1)
        case 7:
            let index = try index(below: builder.limits.rules)
            while rules.count <= index { rules.append(builder.rule(named: "")) }
            return builder.reference(rules[index])
        case 8: return builder.automaton(automata[try index(below: automata.count)])
        case 9: return builder.marker(try text())
        case 10: return builder.token(.id(Int32(try number())))
        case 11: return builder.token(.text(try text()))
        case 12: return builder.token(.otherThanID(Int32(try number())))
        case 13: return builder.token(.otherThanText(try text()))
        default: throw .malformed
        }
    }

    private mutating func list(of nodes: [GrammarBuilder.Node]) throws(GrammarError) -> [GrammarBuilder.Node] {
        var list: [GrammarBuilder.Node] = []
        for _ in 0..<(try count()) { list.append(nodes[try index(below: nodes.count)]) }
        return list
    }
}
