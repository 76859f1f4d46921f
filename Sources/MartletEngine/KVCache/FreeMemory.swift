import MartletProtocol

/// The available memory of the system, as the KV cache asks for it before it copies a state.
///
/// Reading the system's files takes about 0.1 ms, as long as copying the state of a short conversation. Therefore the
/// value is read again only after `interval`, or when the copies since then amount to 1/16 of it.
///
/// Thread: the engine thread only.
struct FreeMemory {
    static let interval: Duration = .seconds(1)

    private let read: () -> Int?
    private let now: () -> MonotonicTime
    private var latest: (bytes: Int?, time: MonotonicTime)?
    private var promised = 0

    /// - Parameters:
    ///   - read: reads the available memory, in bytes; `nil` if the system does not report it.
    ///   - now: the clock.
    init(
        read: @escaping () -> Int? = { MemoryBudget.available }, now: @escaping () -> MonotonicTime = { .now }
    ) {
        self.read = read
        self.now = now
    }

    /// The available memory for a copy of `size` bytes, less the copies since it was read; `Int.max` if the system does
    /// not report it.
    mutating func available(for size: Int) -> Int {
        let time = now()
        if let latest, time - latest.time < Self.interval, let bytes = latest.bytes, promised + size <= bytes / 16 {
            return bytes - promised
        }
        if let latest, latest.bytes == nil { return .max }
        promised = 0
        let bytes = read()
        latest = (bytes, time)
        return bytes ?? .max
    }

    /// Records a copy of `size` bytes.
    mutating func subtract(_ size: Int) { promised += size }
}
