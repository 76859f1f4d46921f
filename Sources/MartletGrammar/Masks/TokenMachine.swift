/// Matches tokens of a vocabulary against a grammar, for any number of generations, and caches steps and masks for
/// all.
///
/// One thread at a time may use it; in the engine that is the engine's thread.
package final class TokenMachine {
    /// The vocabulary; token ids are its indices.
    package let vocabulary: TokenVocabulary
    /// The machine that steps byte by byte.
    let machine: GrammarMachine
    /// The masks of configurations.
    private var masks: MaskCache
    /// The buffer for a mask that depends on the text.
    let ownMask: UnsafeMutableBufferPointer<UInt64>
    /// The slices of each automaton, once they were needed.
    private var slices: [AutomatonSlices?]
    /// For each depth of a walk, the configuration after the bytes above.
    private var path: [UInt32]
    /// The step rows of the configurations in `path`.
    private var rows: [UnsafeMutablePointer<UInt32>]

    /// Creates a machine.
    package init(_ program: GrammarProgram, vocabulary: TokenVocabulary) {
        self.vocabulary = vocabulary
        machine = GrammarMachine(program)
        ownMask = .allocate(capacity: (vocabulary.count + 63) / 64)
        masks = MaskCache(wordCount: (vocabulary.count + 63) / 64, byteLimit: program.limits.cacheBytes)
        slices = [AutomatonSlices?](repeating: nil, count: program.automata.count)
        let height = max(vocabulary.words.height, vocabulary.safe.height, vocabulary.rest.height)
        path = [UInt32](repeating: ConfigurationStore.dead, count: height + 1)
        rows = [UnsafeMutablePointer<UInt32>](
            repeating: machine.store.row(ConfigurationStore.dead), count: height + 1)
    }

    deinit { ownMask.deallocate() }

    /// The configuration after a token, or `dead`.
    func step(_ configuration: UInt32, _ token: Int32, _ items: inout DistinctItems) -> UInt32 {
        guard token >= 0, Int(token) < vocabulary.count else { return ConfigurationStore.dead }
        let text = vocabulary.text(token)
        var next = text.isEmpty ? ConfigurationStore.dead : configuration
        for byte in text {
            next = machine.step(next, byte, &items)
            if next == ConfigurationStore.dead { break }
        }
        if next != ConfigurationStore.dead, !machine.canContinue(next, items) { next = ConfigurationStore.dead }
        if machine.program.terms.isEmpty { return next }
        return machine.store.step(configuration, token: token, vocabulary.kind(of: token), orElse: next)
    }

    /// The tokens that may follow, a bit for each. Valid until the next call.
    func mask(_ position: MachinePosition) -> UnsafeBufferPointer<UInt64> {
        machine.begin()
        let mask = syntacticMask(position)
        return machine.program.hasDistinctItems ? withoutRepeatedItems(mask, position) : mask
    }

    /// The mask without regard to equal items; it depends only on the configuration and is cached.
    private func syntacticMask(_ position: MachinePosition) -> UnsafeBufferPointer<UInt64> {
        masks.clearUnless(machine.epoch)
        if let known = masks.mask(of: position.configuration) { return known }
        let mask = masks.scratch
        mask.update(repeating: 0)
        fill(mask, position.configuration)
        masks.clearUnless(machine.epoch)
        return masks.store(position.configuration)
    }

    /// Computes the mask of a configuration.
    private func fill(_ mask: UnsafeMutableBufferPointer<UInt64>, _ configuration: UInt32) {
        if machine.store.configurations.flag(of: configuration) {
            for token in vocabulary.endOfGeneration { insert(token, mask) }
        }
        insertTerms(mask, configuration)
        // The walks may renumber configurations; `path` is updated then.
        path[0] = configuration
        switch safeSpan(configuration) {
        case .exactly(let length):
            if length > 0 { unite(mask, vocabulary.safeSets[length]) }
        case .unknown:
            if mayFollowAnyWord(configuration) {
                unite(mask, vocabulary.wordSet)
            } else {
                walk(vocabulary.words, mask)
            }
            walk(vocabulary.safe, mask)
        }
        walk(vocabulary.rest, mask)
        for duplicate in vocabulary.duplicates where contains(duplicate.of, mask) { insert(duplicate.token, mask) }
    }

    @inline(__always)
    func insert(_ token: Int32, _ mask: UnsafeMutableBufferPointer<UInt64>) {
        mask[Int(token) >> 6] |= 1 << UInt64(token & 63)
    }

    func contains(_ token: Int32, _ mask: UnsafeMutableBufferPointer<UInt64>) -> Bool {
        mask[Int(token) >> 6] >> UInt64(token & 63) & 1 != 0
    }

    /// Adds a set of tokens to a mask.
    private func unite(_ mask: UnsafeMutableBufferPointer<UInt64>, _ set: TokenSet) {
        for index in 0..<mask.count { mask[index] |= set.words[index] }
    }

    /// Adds the tokens that the grammar names at this configuration.
    private func insertTerms(_ mask: UnsafeMutableBufferPointer<UInt64>, _ configuration: UInt32) {
        guard !machine.program.terms.isEmpty else { return }
        for index in 0..<machine.store.configurations.count(of: configuration) {
            let point = machine.program.points[Int(machine.store.configurations.item(index, of: configuration).point)]
            guard point.kind == .token else { continue }
            switch machine.program.terms[Int(point.first)] {
            case .token(let token): insert(token, mask)
            case .otherThan(let excluded):
                for token in 0..<Int32(vocabulary.count)
                where token != excluded && vocabulary.kind(of: token) != .end { insert(token, mask) }
            case .controlOtherThan(let excluded):
                for token in vocabulary.controls where !excluded.contains(token) { insert(token, mask) }
            case .bytes: break
            }
        }
    }

    /// Adds the tokens of a trie that may follow the configuration in `path[0]`.
    private func walk(_ trie: TokenTrie, _ mask: UnsafeMutableBufferPointer<UInt64>) {
        let classes = machine.program.classes
        trie.nodes.withUnsafeBufferPointer { nodes in
            classes.withUnsafeBufferPointer { classes in
                path.withUnsafeMutableBufferPointer { path in
                    rows.withUnsafeMutableBufferPointer { rows in
                        walk(nodes, classes, &path, rows, mask)
                    }
                }
            }
        }
    }

    /// The walk with unsafe buffers: a step per node through cached rows. Dead nodes are skipped with their
    /// descendants.
    private func walk(
        _ nodes: UnsafeBufferPointer<TokenTrie.Node>, _ classes: UnsafeBufferPointer<UInt8>,
        _ path: inout UnsafeMutableBufferPointer<UInt32>,
        _ rows: UnsafeMutableBufferPointer<UnsafeMutablePointer<UInt32>>, _ mask: UnsafeMutableBufferPointer<UInt64>
    ) {
        rows[0] = machine.store.row(path[0])
        var epoch = machine.epoch
        var index = 0
        while index < nodes.count {
            let node = nodes[index]
            let depth = Int(node.depth)
            let byteClass = classes[Int(node.byte)]
            var next = rows[depth][Int(byteClass)]
            if next == ConfigurationStore.unknown {
                next = machine.stepInWalk(&path, depth: depth, byteClass)
                if machine.epoch != epoch {
                    epoch = machine.epoch
                    for above in 0...depth { rows[above] = machine.store.row(path[above]) }
                }
            }
            guard next != ConfigurationStore.dead else {
                index = Int(node.end)
                continue
            }
            path[depth + 1] = next
            rows[depth + 1] = machine.store.row(next)
            if node.token >= 0 { insert(node.token, mask) }
            index += 1
        }
    }

    /// The safe tokens that may follow.
    private enum SafeSpan {
        /// All tokens of up to so many characters, and no others.
        case exactly(Int)
        case unknown
    }

    /// The safe tokens after a configuration, if all its threads treat safe characters alike.
    private func safeSpan(_ first: UInt32) -> SafeSpan {
        var configuration = first
        for length in 0..<TokenVocabulary.longestSafe {
            var live = 0
            var isUniform = false
            for index in 0..<machine.store.configurations.count(of: configuration) {
                switch safety(of: machine.store.configurations.item(index, of: configuration)) {
                case .closed: return .exactly(TokenVocabulary.longestSafe)
                case .dead: break
                case .uniform:
                    live += 1
                    isUniform = true
                case .other: live += 2
                }
            }
            if live == 0 { return .exactly(length) }
            // Only where a single thread goes on do all characters lead to one configuration.
            guard live == 1, isUniform else { return .unknown }
            configuration = machine.store.step(configuration, machine.program.classes[0x61])
            guard configuration != ConfigurationStore.dead else { return .unknown }
        }
        return .exactly(TokenVocabulary.longestSafe)
    }

    private func safety(of thread: Item) -> AutomatonSlices.Safe {
        let point = machine.program.points[Int(thread.point)]
        switch point.kind {
        case .literal:
            let byte = machine.program.literals[Int(point.first + thread.state)]
            return SafeText.firstBytes.contains(byte) ? .other : .dead
        case .set:
            let set = machine.program.sets[Int(point.first)]
            return set.intersection(SafeText.firstBytes).isEmpty ? .dead : .other
        case .itemBound: return .other
        case .automaton: return slices(of: Int(point.first)).safe(thread.state)
        case .token, .call, .split, .end, .count: return .dead
        }
    }

    /// Whether any word may follow, since some thread is in an automaton that admits all.
    private func mayFollowAnyWord(_ configuration: UInt32) -> Bool {
        for index in 0..<machine.store.configurations.count(of: configuration) {
            let thread = machine.store.configurations.item(index, of: configuration)
            let point = machine.program.points[Int(thread.point)]
            if point.kind == .automaton, slices(of: Int(point.first)).words(thread.state) { return true }
        }
        return false
    }

    /// The slices of an automaton.
    private func slices(of automaton: Int) -> AutomatonSlices {
        if let known = slices[automaton] { return known }
        let found = AutomatonSlices(machine.program.automata[automaton])
        slices[automaton] = found
        return found
    }
}

/// Masks by configuration, as many as fit into the limit.
private struct MaskCache: ~Copyable {
    private let capacity: Int
    /// The buffer in which a mask is computed.
    let scratch: UnsafeMutableBufferPointer<UInt64>
    private var kept: [UnsafeMutableBufferPointer<UInt64>] = []
    private var slots: [UInt32: Int] = [:]
    private var epoch = 0

    init(wordCount: Int, byteLimit: Int) {
        scratch = .allocate(capacity: wordCount)
        capacity = byteLimit / max(8, wordCount * 8)
    }

    deinit {
        scratch.deallocate()
        for mask in kept { mask.deallocate() }
    }

    /// Clears the cache if configurations were renumbered.
    mutating func clearUnless(_ current: Int) {
        guard current != epoch else { return }
        epoch = current
        slots.removeAll(keepingCapacity: true)
    }

    /// The cached mask of a configuration.
    func mask(of configuration: UInt32) -> UnsafeBufferPointer<UInt64>? {
        slots[configuration].map { UnsafeBufferPointer(kept[$0]) }
    }

    /// Stores the mask in `scratch`.
    mutating func store(_ configuration: UInt32) -> UnsafeBufferPointer<UInt64> {
        if slots.count >= capacity { slots.removeAll(keepingCapacity: true) }
        if slots.count < capacity {
            let slot = slots.count
            if slot == kept.count { kept.append(.allocate(capacity: scratch.count)) }
            _ = kept[slot].update(fromContentsOf: scratch)
            slots[configuration] = slot
        }
        return UnsafeBufferPointer(scratch)
    }
}
