/// All that is known of how a program is matched, found out step by step.
///
/// A configuration is what may follow: the set of threads, each at a place where something is read, with the stack of
/// the rules it is in. A stack is the set of places that a rule returns to, each with its own stack; all calls of a
/// rule at one place of the text share one. So however ambiguous a grammar is, a configuration has at most one thread
/// for each place, and equal contexts have the same number. Steps are remembered.
struct ConfigurationStore: ~Copyable {
    let program: GrammarProgram
    /// Sorted by place. The flag says that the text may end.
    private(set) var configurations = ItemLists()
    var stacks = ItemLists()
    /// For each configuration and class of bytes, the next one, or `unknown`.
    private var rows: StepTable
    let stride: Int

    var threads = Arena<Item>()
    var arrivals = ItemQueue()
    var calls: CallQueue
    var frames = Arena<Item>()
    var closures: PointClosures
    var isComplete = false
    /// Threads looked at for what is being done now.
    var work = 0
    /// Whether a step was not taken because it would have gone above the limit of threads, or of work.
    private(set) var isOverflown = false

    static let unknown: UInt32 = 0
    static let dead: UInt32 = 1
    /// Of the root rule.
    static let bottomStack: UInt32 = 0

    init(program: GrammarProgram) {
        self.program = program
        stride = program.classCount
        rows = StepTable(stride: stride)
        calls = CallQueue(ruleCount: program.rules.count)
        closures = PointClosures(pointCount: program.points.count)
        begin()
    }

    private mutating func begin() {
        configurations.addEmpty()
        configurations.addEmpty()
        rows.addRow()
        rows.addRow()
        var bottom = Item.bottom
        withUnsafeMutablePointer(to: &bottom) { pointer in
            _ = stacks.number(of: UnsafeMutableBufferPointer(start: pointer, count: 1))
        }
    }

    var byteCount: Int { configurations.byteCount + stacks.byteCount + rows.byteCount }

    /// The configuration before anything is read.
    mutating func start() -> UInt32 {
        prepare()
        isComplete = program.rules[Int(program.root)].isNullable
        add(call: program.root, .bottom)
        return close()
    }

    /// In how many ways what was read can be gone on with.
    func threadCount(of configuration: UInt32) -> Int { configurations.count(of: configuration) }

    /// What follows a byte of a class; `dead` = the byte cannot stand here.
    @inline(__always)
    mutating func step(_ configuration: UInt32, _ byteClass: UInt8) -> UInt32 {
        let known = rows.row(configuration)[Int(byteClass)]
        return known != Self.unknown ? known : findStep(configuration, byteClass)
    }

    /// For walks over many bytes: the steps from a configuration, as far as they are known.
    @inline(__always)
    func row(_ configuration: UInt32) -> UnsafeMutablePointer<UInt32> { rows.row(configuration) }

    private mutating func findStep(_ configuration: UInt32, _ byteClass: UInt8) -> UInt32 {
        guard let next = read(configuration, byteClass, endsItems: true) else { return Self.dead }
        rows.row(configuration)[Int(byteClass)] = next
        return next
    }

    /// As `step`, where the byte would end an item that is equal to an earlier one: only what reads it as something
    /// else goes on.
    mutating func stepBesideItems(_ configuration: UInt32, _ byteClass: UInt8) -> UInt32 {
        read(configuration, byteClass, endsItems: false) ?? Self.dead
    }

    /// Whether a bracket may begin an array here in which no two items may be equal.
    func opensDistinctItems(_ configuration: UInt32) -> Bool {
        for index in 0..<configurations.count(of: configuration) {
            let point = program.points[Int(configurations.item(index, of: configuration).point)]
            if point.kind == .itemBound, point.second == 1 { return true }
        }
        return false
    }

    /// More was to be kept than is allowed.
    mutating func markOverflown() { isOverflown = true }

    /// - Returns: `nil` beyond the limit of work.
    private mutating func read(_ configuration: UInt32, _ byteClass: UInt8, endsItems: Bool) -> UInt32? {
        work += configurations.count(of: configuration)
        if work > program.limits.work {
            isOverflown = true
            return nil
        }
        prepare()
        isComplete = false
        let byte = program.representatives[Int(byteClass)]
        for index in 0..<configurations.count(of: configuration) {
            let thread = configurations.item(index, of: configuration)
            if !endsItems {
                let point = program.points[Int(thread.point)]
                if point.kind == .itemBound, point.second == 0 { continue }
            }
            read(byte, at: thread)
        }
        return threads.count == 0 && arrivals.count == 0 ? Self.dead : close()
    }

    private mutating func read(_ byte: UInt8, at thread: Item) {
        let point = program.points[Int(thread.point)]
        switch point.kind {
        case .literal:
            guard program.literals[Int(point.first &+ thread.state)] == byte else { return }
            if thread.state + 1 == point.second {
                arrivals.add(Item(point: point.next, state: 0, stack: thread.stack))
            } else {
                threads.append(Item(point: thread.point, state: thread.state + 1, stack: thread.stack))
            }
        case .set:
            guard program.sets[Int(point.first)].contains(byte) else { return }
            arrivals.add(Item(point: point.next, state: 0, stack: thread.stack))
        case .automaton:
            let next = program.automata[Int(point.first)].next(thread.state, byte)
            guard next != ByteAutomaton.dead else { return }
            let traits = program.automata[Int(point.first)].traits(of: next)
            if traits & ProgramAutomaton.continues != 0 {
                threads.append(Item(point: thread.point, state: next, stack: thread.stack))
            }
            if traits & ProgramAutomaton.isAccepting != 0 {
                arrivals.add(Item(point: point.next, state: 0, stack: thread.stack))
            }
        case .itemBound:
            guard point.first == Int32(byte) else { return }
            arrivals.add(Item(point: point.next, state: 0, stack: thread.stack))
        case .token, .call, .split, .end, .count: return
        }
    }

    /// What follows a whole token where the grammar names tokens.
    ///
    /// - Parameters:
    ///   - kind: of the token.
    ///   - other: what follows the token's bytes, or `dead`; may follow too.
    mutating func step(
        _ configuration: UInt32, token: Int32, _ kind: TokenKind, orElse other: UInt32
    ) -> UInt32 {
        prepare()
        isComplete = false
        for index in 0..<configurations.count(of: configuration) {
            let thread = configurations.item(index, of: configuration)
            let point = program.points[Int(thread.point)]
            guard point.kind == .token else { continue }
            let isMatch =
                switch program.terms[Int(point.first)] {
                case .token(let id): id == token
                case .otherThan(let id): id != token && kind != .end
                case .controlOtherThan(let ids): kind == .control && !ids.contains(token)
                case .bytes: false
                }
            if isMatch { arrivals.add(Item(point: point.next, state: 0, stack: thread.stack)) }
        }
        guard arrivals.count > 0 else { return other }
        if other != Self.dead {
            isComplete = configurations.flag(of: other)
            for index in 0..<configurations.count(of: other) { threads.append(configurations.item(index, of: other)) }
        }
        return close()
    }

    private mutating func prepare() {
        threads.truncate(to: 0)
        arrivals.removeAll()
    }

    /// Makes a configuration of `threads`.
    mutating func finish(isOverflown overflown: Bool) -> UInt32 {
        if overflown {
            isOverflown = true
            return Self.dead
        }
        work += arrivals.count + threads.count
        let count = mergedThreadCount()
        let number = configurations.number(
            of: UnsafeMutableBufferPointer(start: threads.base, count: count), flag: isComplete)
        if Int(number) == rows.count { rows.addRow() }
        return number
    }

    /// Forgets everything but some configurations, which get new numbers.
    mutating func reset(keeping kept: inout [UInt32]) {
        var oldConfigurations = ItemLists()
        var oldStacks = ItemLists()
        swap(&configurations, &oldConfigurations)
        swap(&stacks, &oldStacks)
        rows = StepTable(stride: stride)
        isOverflown = false
        begin()
        var needed = [Bool](repeating: false, count: oldStacks.count)
        for list in kept where list > Self.dead {
            for index in 0..<oldConfigurations.count(of: list) {
                needed[Int(oldConfigurations.item(index, of: list).stack)] = true
            }
        }
        // A stack has a higher number than those below it.
        for list in needed.indices.reversed() where needed[list] {
            for index in 0..<oldStacks.count(of: UInt32(list)) {
                needed[Int(oldStacks.item(index, of: UInt32(list)).stack)] = true
            }
        }
        var numbers = [UInt32](repeating: Self.bottomStack, count: oldStacks.count)
        for list in needed.indices.dropFirst() where needed[list] {
            frames.truncate(to: 0)
            for index in 0..<oldStacks.count(of: UInt32(list)) {
                var item = oldStacks.item(index, of: UInt32(list))
                item.stack = numbers[Int(item.stack)]
                frames.append(item)
            }
            let count = frames.elements.sortedUniqueCount()
            numbers[list] = stacks.number(of: UnsafeMutableBufferPointer(start: frames.base, count: count))
        }
        for position in kept.indices where kept[position] > Self.dead {
            prepare()
            let list = kept[position]
            for index in 0..<oldConfigurations.count(of: list) {
                var item = oldConfigurations.item(index, of: list)
                item.stack = numbers[Int(item.stack)]
                threads.append(item)
            }
            isComplete = oldConfigurations.flag(of: list)
            kept[position] = finish(isOverflown: false)
        }
    }
}

/// What a token is to a grammar.
enum TokenKind {
    case text
    /// It has no text of its own.
    case control
    /// It ends the generation; it is meant only where it is named.
    case end
}

/// A row of steps for each configuration, in blocks, so that no growth moves what there is.
struct StepTable: ~Copyable {
    private let stride: Int
    private var blocks: [UnsafeMutablePointer<UInt32>] = []
    /// Rows.
    private(set) var count = 0

    private static let blockShift: UInt32 = 6
    private static let blockCount = 1 << Int(blockShift)

    init(stride: Int) { self.stride = stride }

    deinit {
        for block in blocks { block.deallocate() }
    }

    var byteCount: Int { blocks.count * Self.blockCount * stride * MemoryLayout<UInt32>.stride }

    /// Adds a row in which nothing is known.
    mutating func addRow() {
        if count == blocks.count * Self.blockCount {
            let block = UnsafeMutablePointer<UInt32>.allocate(capacity: Self.blockCount * stride)
            block.initialize(repeating: ConfigurationStore.unknown, count: Self.blockCount * stride)
            blocks.append(block)
        }
        count += 1
    }

    @inline(__always)
    func row(_ index: UInt32) -> UnsafeMutablePointer<UInt32> {
        blocks[Int(index >> Self.blockShift)] + Int(index & UInt32(Self.blockCount - 1)) &* stride
    }
}
