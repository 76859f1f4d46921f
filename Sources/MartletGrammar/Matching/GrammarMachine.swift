/// Matches texts of one grammar, any number at a time, and caches steps for all of them.
///
/// One thread at a time may use it.
package final class GrammarMachine {
    let program: GrammarProgram
    var store: ConfigurationStore
    /// The configurations of the texts in progress; 0 is free.
    private var positions: [UInt32] = []
    /// The number of times that configurations were renumbered.
    private(set) var epoch = 0
    /// The steps of look-ahead for the current text, token or mask.
    var lookahead = 0

    /// Creates a machine with empty caches.
    package init(_ program: GrammarProgram) {
        self.program = program
        store = ConfigurationStore(program: program)
    }

    /// Whether a step was refused because it exceeded the limit of threads or work.
    package var isOverflown: Bool { store.isOverflown }

    /// Registers a text, so that a reset keeps its configuration.
    func addPosition(_ configuration: UInt32) -> Int {
        if let free = positions.firstIndex(of: 0) {
            positions[free] = configuration
            return free
        }
        positions.append(configuration)
        return positions.count - 1
    }

    /// Frees the position of a text that has ended.
    func removePosition(_ index: Int) { positions[index] = 0 }

    subscript(position: Int) -> UInt32 {
        get { positions[position] }
        set { positions[position] = newValue }
    }

    /// Starts the work for a text, token or mask: resets counters, and clears caches that exceed the limit.
    func begin() {
        store.work = 0
        lookahead = 0
        guard store.byteCount > program.limits.cacheBytes else { return }
        store.reset(keeping: &positions)
        epoch += 1
    }

    /// A step that is not cached, during a walk through a trie. A reset also keeps the configurations on the path.
    func stepInWalk(_ path: inout UnsafeMutableBufferPointer<UInt32>, depth: Int, _ byteClass: UInt8) -> UInt32 {
        if store.byteCount > program.limits.cacheBytes {
            var kept = positions + path[...depth]
            store.reset(keeping: &kept)
            positions = Array(kept[..<positions.count])
            for index in 0...depth { path[index] = kept[positions.count + index] }
            epoch += 1
        }
        return store.step(path[depth], byteClass)
    }
}

/// The state of a text in its grammar.
package final class MachinePosition {
    package let machine: GrammarMachine
    private let index: Int
    /// The items of open arrays without equal items.
    var items: DistinctItems

    /// Starts at the beginning of the grammar.
    package init(_ machine: GrammarMachine) {
        self.machine = machine
        index = machine.addPosition(machine.store.start())
        items = DistinctItems(byteLimit: machine.program.limits.itemBytes)
    }

    private init(copyOf original: MachinePosition) {
        machine = original.machine
        index = machine.addPosition(original.configuration)
        items = original.items
    }

    deinit { machine.removePosition(index) }

    /// The same state for a text that continues independently.
    func copy() -> MachinePosition { MachinePosition(copyOf: self) }

    /// The configuration after the text so far.
    var configuration: UInt32 {
        get { machine[index] }
        set { machine[index] = newValue }
    }

    /// Whether the text may end here.
    package var isComplete: Bool { machine.store.configurations.flag(of: configuration) }

    /// Whether the text must end here: it may, and nothing can follow.
    package var isFinished: Bool { isComplete && machine.store.configurations.count(of: configuration) == 0 }

    /// Consumes bytes.
    ///
    /// - Returns: whether all bytes may come next. If not, the state is unchanged.
    package func accept(_ bytes: some Sequence<UInt8>) -> Bool {
        machine.begin()
        var next = configuration
        var items = items
        for byte in bytes {
            next = machine.step(next, byte, &items)
            if next == ConfigurationStore.dead { return false }
        }
        guard machine.canContinue(next, items) else { return false }
        configuration = next
        self.items = items
        return true
    }

    /// The bytes that may come next.
    var allowedBytes: ByteSet {
        let classes = machine.program.classes
        let start = configuration
        let alive = (0..<machine.program.classCount).map {
            machine.store.step(start, UInt8($0)) != ConfigurationStore.dead
        }
        let bytes: [UInt8] = (0...255).filter { alive[Int(classes[Int($0)])] }
        guard machine.program.hasDistinctItems else { return ByteSet(bytes) }
        return ByteSet(bytes.filter { copy().accept(CollectionOfOne($0)) })
    }
}
