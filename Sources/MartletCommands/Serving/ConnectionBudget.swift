/// The maximum number of connections of a server without `--max-connections`.
enum ConnectionBudget {
    /// Memory of a connection that reads a stream, with reserve: most need a quarter of it.
    static let bytesPerConnection = 64 << 10
    /// The largest result.
    static let most = 1 << 20

    /// The number that memory and descriptors allow, from 16 to ``most`` (fewer if there are fewer descriptors).
    /// - Parameters:
    ///   - memory: Free bytes, of which connections may use an eighth; `nil` = unknown, which allows 4,096 connections.
    ///   - descriptors: The descriptors of the process; a limit of 0 = unknown.
    static func connections(memory: Int?, descriptors: DescriptorBudget) -> Int {
        let byMemory = max(16, memory.map { $0 / 8 / bytesPerConnection } ?? 4_096)
        let byDescriptors = descriptors.limit > 0 ? descriptors.connections : most
        return min(byMemory, byDescriptors, most)
    }
}
