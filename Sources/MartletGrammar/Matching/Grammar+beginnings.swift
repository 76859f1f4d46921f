extension Grammar {
    /// Threads that are looked at.
    private static let mostWork = 1_000_000

    /// The beginning of a text that can be read in more ways at once than the limit of threads, if one is found.
    ///
    /// Follows the matcher from the start, always from the place with the most threads on, to at most
    /// `limits.beginnings` places. `[a-z]+ "1" | [a-z]+ "2" | …` looks like one way until a letter was written.
    func ambiguousBeginning(_ limits: GrammarLimits) -> [UInt8]? {
        // With fewer expressions there are hardly so many ways.
        guard limits.beginnings > 0, expressions.count > limits.threads else { return nil }
        var store = ConfigurationStore(program: program(limits: limits))
        let start = store.start()
        if store.isOverflown { return [] }
        var texts: [UInt32: [UInt8]] = [start: []]
        var open = [start]
        var work = 0
        for _ in 0..<limits.beginnings {
            let widest = open.indices.max { store.threadCount(of: open[$0]) < store.threadCount(of: open[$1]) }
            guard let widest, work < Self.mostWork else { return nil }
            let configuration = open.remove(at: widest)
            let text = texts[configuration] ?? []
            for byteClass in 0..<store.stride {
                store.work = 0
                let next = store.step(configuration, UInt8(byteClass))
                work += store.work
                let longer = text + [store.program.representatives[byteClass]]
                if store.isOverflown { return longer }
                guard next != ConfigurationStore.dead, texts[next] == nil else { continue }
                texts[next] = longer
                open.append(next)
            }
        }
        return nil
    }
}
