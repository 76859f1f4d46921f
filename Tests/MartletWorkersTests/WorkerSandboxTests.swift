import MartletWorkers
import Testing

#if os(Linux)
    import Glibc

    @Suite struct WorkerSandboxTests {
        private struct Tries: Sendable {
            var outcome: WorkerSandbox.Outcome
            var before: Int32
            var network: [Int32]
            var local: Int32
        }

        /// Opens a socket and closes it.
        /// - Returns: 0, or the error.
        private static func trySocket(_ family: Int32) -> Int32 {
            let descriptor = socket(family, Int32(SOCK_STREAM.rawValue), 0)
            guard descriptor >= 0 else { return errno }
            close(descriptor)
            return 0
        }

        @Test func aThreadInItHasNoNetwork() async throws {
            let tries = try await DedicatedThread.run {
                let before = Self.trySocket(AF_INET)
                let outcome = WorkerSandbox.enterThread()
                return Tries(
                    outcome: outcome, before: before, network: [AF_INET, AF_INET6].map { Self.trySocket($0) },
                    local: Self.trySocket(AF_UNIX))
            }
            #expect(tries.outcome == .entered)
            #expect(tries.before == 0)
            #expect(tries.network == [EACCES, EACCES])
            #expect(tries.local == 0)
            // Other threads have all their privileges.
            #expect(Self.trySocket(AF_INET) == 0)
        }
    }
#endif
