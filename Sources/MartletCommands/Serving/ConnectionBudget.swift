/// How many connections a server may have.
enum ConnectionBudget {
    /// Of a connection that reads a stream, with some room: most take a quarter of it.
    static let bytesPerConnection = 64 << 10
    /// Files, pipes and the connections beyond the limit.
    static let reservedDescriptors = 512
    static let most = 1 << 20

    /// - Parameters:
    ///   - memory: bytes that can be had; connections may take an eighth of them. `nil` = not known.
    ///   - descriptors: as many as the process may have open; each connection takes one.
    static func connections(memory: Int?, descriptors: Int) -> Int {
        let byMemory = memory.map { $0 / 8 / bytesPerConnection } ?? 4_096
        let byDescriptors = max(descriptors - reservedDescriptors, descriptors / 2)
        return min(max(min(byMemory, byDescriptors), 16), most)
    }
}
