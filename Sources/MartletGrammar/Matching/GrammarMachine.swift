/// Matches texts of one grammar, any number at a time, and keeps what it found out for all of them.
///
/// Used by one thread at a time.
package final class GrammarMachine {
    let program: GrammarProgram
    var store: ConfigurationStore
    /// Configurations that texts are at; 0 = free.
    private var positions: [UInt32] = []
    /// Counts how often configurations got new numbers.
    private(set) var epoch = 0
    /// Places looked at for what is being done now, to find out whether an item can still differ from earlier ones.
    var lookahead = 0

    package init(_ program: GrammarProgram) {
        self.program = program
        store = ConfigurationStore(program: program)
    }

    /// Whether a step was not taken since it went above the limit of threads or of work.
    package var isOverflown: Bool { store.isOverflown }

    func addPosition(_ configuration: UInt32) -> Int {
        if let free = positions.firstIndex(of: 0) {
            positions[free] = configuration
            return free
        }
        positions.append(configuration)
        return positions.count - 1
    }

    func removePosition(_ index: Int) { positions[index] = 0 }

    subscript(position: Int) -> UInt32 {
        get { positions[position] }
        set { positions[position] = newValue }
    }

    /// To be called before a text, a token or a mask: forgets what can be found out again, if it takes more memory than
    /// the limit.
    func begin() {
        store.work = 0
        lookahead = 0
        guard store.byteCount > program.limits.cacheBytes else { return }
        store.reset(keeping: &positions)
        epoch += 1
    }

    /// A step that is not known, on the way through a trie: configurations on the path are kept too.
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

/// Where a text is in its grammar.
package final class MachinePosition {
    package let machine: GrammarMachine
    private let index: Int
    /// What arrays hold that is asked for later.
    var items: DistinctItems

    /// The beginning.
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

    func copy() -> MachinePosition { MachinePosition(copyOf: self) }

    var configuration: UInt32 {
        get { machine[index] }
        set { machine[index] = newValue }
    }

    /// Whether the text may end here.
    package var isComplete: Bool { machine.store.configurations.flag(of: configuration) }

    /// Whether the text must end here: it may, and nothing may follow.
    package var isFinished: Bool { isComplete && machine.store.configurations.count(of: configuration) == 0 }

    /// - Returns: whether all bytes may stand here. If not, none was taken.
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
