extension DiskState {
    /// Makes all contents and names durable. No process does this: it stands for time that has passed.
    mutating func syncAll() {
        for index in nodes.indices {
            nodes[index].durable = nodes[index].bytes
            nodes[index].changes = []
        }
        durableNames = names
        nameChanges = []
    }
}
