import CLlama
import MartletPlatform

/// The processors and the priority of compute threads, and how they wait for work.
package struct ThreadPlacement: Sendable, Equatable {
    /// The priorities of llama-server's `--prio`.
    package enum Priority: Int, Sendable, CaseIterable {
        case low = -1
        case normal
        case medium
        case high
        case realtime

        /// Whether the system allows this priority for this thread. The thread's own priority is the same afterwards.
        package var isPermitted: Bool {
            #if os(Linux)
                var policy: Int32 = 0
                var own = sched_param()
                guard self != .normal, pthread_getschedparam(pthread_self(), &policy, &own) == 0 else { return true }
                guard apply() else { return false }
                pthread_setschedparam(pthread_self(), policy, &own)
            #endif
            return true
        }

        #if os(Linux)
            /// Sets the priority of this thread to the value that libggml uses.
            fileprivate func apply() -> Bool {
                // Normal = the priority of the process.
                guard self != .normal else { return true }
                // The number of SCHED_BATCH, which is a macro of GNU only.
                let batch: Int32 = 3
                let (policy, level): (Int32, Int32) =
                    switch self {
                    case .normal: (SCHED_OTHER, 0)
                    case .low: (batch, 0)
                    case .medium: (SCHED_FIFO, 40)
                    case .high: (SCHED_FIFO, 80)
                    case .realtime: (SCHED_FIFO, 90)
                    }
                var wanted = sched_param()
                wanted.sched_priority = level
                return pthread_setschedparam(pthread_self(), policy, &wanted) == 0
            }
        #endif
    }

    /// The largest number of processors in a mask; the limit of libggml.
    package static let processorLimit = 512

    /// The numbers of the processors that threads may use; empty = all.
    package var processors: Set<Int> = []
    /// Whether each thread has one processor, in ascending order of the numbers.
    package var isStrict = false
    package var priority = Priority.normal
    /// How long a thread polls for work before it sleeps, 0 to 100. A libggml with OpenMP ignores it.
    package var polling = 50

    package init() {}

    /// Restricts the placement to the processors in `available`.
    ///
    /// - Returns: `nil` if no processor of the placement remains.
    package func restricted(to available: Set<Int>) -> ThreadPlacement? {
        guard !processors.isEmpty else { return self }
        var result = self
        result.processors.formIntersection(available)
        return result.processors.isEmpty ? nil : result
    }

    /// The largest number of threads that can wait for each other; `nil` = unlimited.
    ///
    /// Threads above normal priority do not yield a processor to other threads, so two of them on one processor would
    /// wait for ever.
    ///
    /// - Parameter available: the number of processors of the process, if it is known.
    package func threadLimit(available: Int?) -> Int? {
        if !processors.isEmpty { return processors.count }
        return priority.rawValue > 0 ? available : nil
    }

    /// Places this thread, which is the first thread of a decode. A libggml with OpenMP places it only together with
    /// other threads.
    func applyToThisThread() {
        #if os(Linux)
            _ = priority.apply()
            let named = isStrict ? processors.min().map { [$0] } ?? [] : processors
            guard !named.isEmpty else { return }
            var bits = [UInt64](repeating: 0, count: Self.processorLimit / 64)
            for processor in named where (0..<Self.processorLimit).contains(processor) {
                bits[processor / 64] |= 1 << UInt64(processor % 64)
            }
            _ = martlet_set_affinity(bits, UInt(bits.count))
        #endif
    }
}
