extension Grammar {
    /// The number of threads that are visited.
    private static let mostWork = 1_000_000

    /// The beginning of a text that can be read in more ways at once than the limit of threads, if one is found.
    ///
    /// Explores configurations from the start, always the one with the most threads next, at most `limits.beginnings`
    /// of them. Example: `[a-z]+ "1" | [a-z]+ "2" | …` has one way at the start, and as many ways as alternatives after
    /// a letter.
    func ambiguousBeginning(_ limits: GrammarLimits) -> [UInt8]? {
        // A grammar with fewer expressions can hardly have so many ways.
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
