import Logging
import MartletPlatform

/// A queue of log lines for a descriptor: any thread appends without waiting, one dedicated thread writes.
///
/// The reader of the descriptor may be slow, stopped or gone. Then lines are queued up to a limit of bytes. Lines
/// beyond the limit are dropped and counted, and a line with their number takes their position as soon as there is
/// room.
///
/// `@unchecked Sendable`: all state is read and written with `mutex` locked. The C objects do not move.
package final class LogWriter: @unchecked Sendable {
    /// The maximum time for which a process that ends waits until its last lines are written.
    package static let flushTimeout: Duration = .seconds(1)

    /// The record that stands for `count` dropped lines.
    package static func droppedLines(_ count: UInt64) -> WorkerLogLine {
        WorkerLogLine(
            level: .warning, message: "log: standard error was not read in time; lines dropped count=\(count)")
    }

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    /// Signalled after lines were added or written.
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let descriptor: Int32
    private let capacity: Int
    private let notice: @Sendable (UInt64) -> String

    /// Lines, and the number of lines among them that report dropped lines.
    private struct Batch {
        var bytes: [UInt8] = []
        var noticeCount: UInt64 = 0
        /// The number of dropped lines that these report.
        var reportedCount: UInt64 = 0

        mutating func clear() {
            bytes.removeAll(keepingCapacity: true)
            (noticeCount, reportedCount) = (0, 0)
        }
    }

    private var pending = Batch()
    private var isWriting = false
    private var hasThread = false
    private var dropped: UInt64 = 0
    /// The number of dropped lines that no line reports yet.
    private var unreported: UInt64 = 0

    /// - Parameters:
    ///   - capacity: The maximum number of queued bytes, in addition to as many that are being written.
    ///   - notice: Makes the line, with its line break, that reports a number of dropped lines.
    package init(descriptor: Int32, capacity: Int = 1 << 20, notice: @escaping @Sendable (UInt64) -> String) {
        self.descriptor = descriptor
        self.capacity = capacity
        self.notice = notice
        mutex.initialize(to: pthread_mutex_t())
        changed.initialize(to: pthread_cond_t())
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(changed, nil)
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    /// Lines that were lost so far: those for which there was no room, and those that could not be written.
    package var droppedCount: UInt64 {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return dropped
    }

    /// Adds a line, or several, with their ends. Never waits for the reader.
    package func write(_ lines: String) {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard pending.bytes.count + lines.utf8.count <= capacity, startThread() else {
            drop(Self.lineCount(lines.utf8))
            return
        }
        appendDropNotice()
        pending.bytes.append(contentsOf: lines.utf8)
        pthread_cond_broadcast(changed)
    }

    /// Waits until all that was added before is written, but no longer than `limit`.
    /// - Returns: Whether it is.
    @discardableResult
    package func flush(upTo limit: Duration) -> Bool {
        var deadline = timespec()
        clock_gettime(CLOCK_REALTIME, &deadline)
        let (seconds, attoseconds) = limit.components
        let nanoseconds = Int(deadline.tv_nsec) + Int(attoseconds / 1_000_000_000)
        deadline.tv_sec += Int(seconds) + nanoseconds / 1_000_000_000
        deadline.tv_nsec = nanoseconds % 1_000_000_000
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while isWriting || !pending.bytes.isEmpty {
            guard pthread_cond_timedwait(changed, mutex, &deadline) == 0 else { return false }
        }
        return true
    }

    // MARK: With the mutex locked

    private func drop(_ count: UInt64) {
        dropped += count
        unreported += count
    }

    /// Adds the line that stands where lines are missing.
    private func appendDropNotice() {
        guard unreported > 0 else { return }
        pending.bytes.append(contentsOf: notice(unreported).utf8)
        pending.noticeCount += 1
        pending.reportedCount += unreported
        unreported = 0
    }

    /// The thread is made with the first line, so that a process that logs nothing has none.
    private func startThread() -> Bool {
        guard !hasThread else { return true }
        // It keeps this object for ever, as it keeps itself.
        hasThread = (try? DedicatedThread.start { self.run() }) != nil
        return hasThread
    }

    // MARK: The thread

    private func run() {
        var batch = Batch()
        pthread_mutex_lock(mutex)
        while true {
            isWriting = false
            pthread_cond_broadcast(changed)
            while pending.bytes.isEmpty { pthread_cond_wait(changed, mutex) }
            swap(&batch, &pending)
            isWriting = true
            pthread_mutex_unlock(mutex)
            let lost = Self.lineCount(batch.bytes[Self.write(batch.bytes[...], to: descriptor)...])
            pthread_mutex_lock(mutex)
            if lost > 0 {
                drop(lost > batch.noticeCount ? lost - batch.noticeCount : 0)
                unreported += batch.reportedCount
            } else if pending.bytes.isEmpty {
                appendDropNotice()
            }
            batch.clear()
        }
    }

    private static func lineCount(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0) { $1 == UInt8(ascii: "\n") ? $0 + 1 : $0 }
    }

    /// Writes until all is written or an error says that nothing more can be.
    /// - Returns: How many bytes were written.
    private static func write(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Int {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { buffer in
                #if canImport(Darwin)
                    Darwin.write(descriptor, buffer.baseAddress, buffer.count)
                #elseif canImport(Glibc)
                    Glibc.write(descriptor, buffer.baseAddress, buffer.count)
                #else
                    Musl.write(descriptor, buffer.baseAddress, buffer.count)
                #endif
            }
            if count > 0 {
                rest = rest.dropFirst(count)
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                // Another process that shares the descriptor made it non-blocking.
                var writable = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&writable, 1, -1)
            default: return bytes.count - rest.count
            }
        }
        return bytes.count
    }
}
