import CLlama
import MartletPlatform

/// Where compute threads run, and how they wait for each other.
package struct ThreadPlacement: Sendable, Equatable {
    /// The values of llama-server's `--prio`.
    package enum Priority: Int, Sendable, CaseIterable {
        case low = -1
        case normal
        case medium
        case high
        case realtime

        /// Whether the system lets this thread have the priority. The thread's own priority is unchanged afterwards.
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
            /// Sets this thread's priority to the value that libggml uses for it.
            fileprivate func apply() -> Bool {
                // Normal means: as the process has it.
                guard self != .normal else { return true }
                // The number of SCHED_BATCH, which is a macro of GNU alone.
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

    /// Most processors that a mask can name; libggml's limit.
    package static let processorLimit = 512

    /// Numbers of the processors that threads may use; empty = all.
    package var processors: Set<Int> = []
    /// Whether each thread has a processor of its own, in the order of their numbers.
    package var isStrict = false
    package var priority = Priority.normal
    /// How long a thread looks for work before it sleeps, 0 to 100. A libggml that uses OpenMP decides that itself.
    package var polling = 50

    package init() {}

    /// The same without the processors that are not among `available`.
    /// - Returns: `nil` when that would leave none of those that were named.
    package func restricted(to available: Set<Int>) -> ThreadPlacement? {
        guard !processors.isEmpty else { return self }
        var result = self
        result.processors.formIntersection(available)
        return result.processors.isEmpty ? nil : result
    }

    /// Most threads that can wait for each other here; `nil` = any number.
    ///
    /// Threads above normal priority give a processor up to no other thread, so that two of them on one would wait for
    /// ever.
    /// - Parameter available: how many processors the process may use, as far as that is known.
    package func threadLimit(available: Int?) -> Int? {
        if !processors.isEmpty { return processors.count }
        return priority.rawValue > 0 ? available : nil
    }

    /// Places this thread, which is the first of a decode's threads. A libggml that uses OpenMP places it only where it
    /// has company.
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
