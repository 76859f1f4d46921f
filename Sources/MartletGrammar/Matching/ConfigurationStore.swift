/// The configurations of a program and the steps between them, computed on demand and cached.
///
/// A *thread* is a position that reads something, with the stack of its rule. A *configuration* is the set of threads.
/// A *stack* is the set of frames that a rule returns to, each with its own stack: a graph-structured stack in which
/// all calls of a rule at one position of the text share one node (as in GLR parsing). However ambiguous a grammar is,
/// a configuration has at most one thread for each position. Equal sets have equal numbers, so that a step is a look-up
/// in a table.
struct ConfigurationStore: ~Copyable {
    let program: GrammarProgram
    /// The configurations, each sorted by position. The flag says that the text may end.
    private(set) var configurations = ItemLists()
    var stacks = ItemLists()
    /// For each configuration and class of bytes, the next configuration, or `unknown`.
    private var rows: StepTable
    /// The number of byte classes, which is the length of a row of steps.
    let stride: Int

    /// The threads of the configuration that is being built.
    var threads = Arena<Item>()
    /// Items that have reached a point at which they have read nothing so far.
    var arrivals = ItemQueue()
    var calls: CallQueue
    /// A buffer for the union of frames.
    var frames = Arena<Item>()
    var closures: PointClosures
    /// Whether the text may end in the configuration that is being built.
    var isComplete = false
    /// The threads visited for the current text, token or mask.
    var work = 0
    /// Whether a step was refused because it exceeded the limit of threads or work.
    private(set) var isOverflown = false

    /// A step that was not computed so far.
    static let unknown: UInt32 = 0
    /// The configuration without threads: the byte is not allowed.
    static let dead: UInt32 = 1
    /// The stack of the root rule.
    static let bottomStack: UInt32 = 0

    init(program: GrammarProgram) {
        self.program = program
        stride = program.classCount
        rows = StepTable(stride: stride)
        calls = CallQueue(ruleCount: program.rules.count)
        closures = PointClosures(pointCount: program.points.count)
        begin()
    }

    /// Adds the configurations `unknown` and `dead` and the bottom stack.
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

    /// The configuration at the beginning of the text.
    mutating func start() -> UInt32 {
        prepare()
        isComplete = program.rules[Int(program.root)].isNullable
        add(call: program.root, .bottom)
        return close()
    }

    /// The number of ways in which the text so far can continue.
    func threadCount(of configuration: UInt32) -> Int { configurations.count(of: configuration) }

    /// The configuration after a byte of a class, or `dead`.
    @inline(__always)
    mutating func step(_ configuration: UInt32, _ byteClass: UInt8) -> UInt32 {
        let known = rows.row(configuration)[Int(byteClass)]
        return known != Self.unknown ? known : findStep(configuration, byteClass)
    }

    /// The cached steps from a configuration, for walks over many bytes.
    @inline(__always)
    func row(_ configuration: UInt32) -> UnsafeMutablePointer<UInt32> { rows.row(configuration) }

    /// Computes a step and caches it.
    private mutating func findStep(_ configuration: UInt32, _ byteClass: UInt8) -> UInt32 {
        guard let next = read(configuration, byteClass, endsItems: true) else { return Self.dead }
        rows.row(configuration)[Int(byteClass)] = next
        return next
    }

    /// The step for a byte that would end an item which equals an earlier one: only threads for which the byte is not
    /// the end of an item continue. Not cached, as it depends on the text.
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

    /// Records that a limit was exceeded.
    mutating func markOverflown() { isOverflown = true }

    /// Reads a byte at all threads.
    ///
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

    /// Reads a byte at one thread: the thread advances, arrives at the next point, or disappears.
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

    /// The configuration after a whole token, where the grammar names tokens.
    ///
    /// - Parameters:
    ///   - kind: the kind of the token.
    ///   - other: the configuration after the token's bytes, or `dead`. Both readings continue.
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

    /// Clears the working buffers.
    private mutating func prepare() {
        threads.truncate(to: 0)
        arrivals.removeAll()
    }

    /// The configuration of the collected threads.
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

    /// Clears the caches; the given configurations survive with new numbers.
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
        // A stack has a higher number than the stacks below it.
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

/// The role of a token in a grammar.
enum TokenKind {
    case text
    /// A token without text.
    case control
    /// A token that ends the generation; it matches only where the grammar names it.
    case end
}

/// A row of steps for each configuration, in blocks that never move, so that pointers to rows stay valid while it
/// grows.
struct StepTable: ~Copyable {
    private let stride: Int
    private var blocks: [UnsafeMutablePointer<UInt32>] = []
    /// The number of rows.
    private(set) var count = 0

    /// A block has 64 rows, so that a small grammar allocates little.
    private static let blockShift: UInt32 = 6
    private static let blockCount = 1 << Int(blockShift)

    init(stride: Int) { self.stride = stride }

    deinit {
        for block in blocks { block.deallocate() }
    }

    var byteCount: Int { blocks.count * Self.blockCount * stride * MemoryLayout<UInt32>.stride }

    /// Adds a row without known steps.
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
