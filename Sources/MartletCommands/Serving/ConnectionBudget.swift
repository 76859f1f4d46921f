/// How many connections a server takes that was not given a number.
enum ConnectionBudget {
    /// Of a connection that reads a stream, with some room: most take a quarter of it.
    static let bytesPerConnection = 64 << 10
    static let most = 1 << 20

    /// - Parameters:
    ///   - memory: bytes that can be had, of which connections may take an eighth; `nil` = not known.
    ///   - descriptors: as many as the process may have open; a limit of 0 = not known.
    static func connections(memory: Int?, descriptors: DescriptorBudget) -> Int {
        let byMemory = max(16, memory.map { $0 / 8 / bytesPerConnection } ?? 4_096)
        let byDescriptors = descriptors.limit > 0 ? descriptors.connections : most
        return min(byMemory, byDescriptors, most)
    }
}
