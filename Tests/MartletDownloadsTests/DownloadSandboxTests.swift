import Foundation
import MartletDownloads
import MartletPlatform
import Testing

#if os(Linux)
    /// The rights of a downloading process.
    @Suite struct DownloadSandboxTests {
        private struct Tries: Sendable {
            var outcome = DownloadSandbox.Outcome.unavailable(errno: 0)
            var made: Int32 = -1
            var renamed: Int32 = -1
            var readsOutside: Int32 = -1
            var makesOutside: Int32 = -1
            var removesOutside: Int32 = -1
            var readsSystem: Int32 = -1
            var runs: Int32 = -1
            var connects: Int32 = -1
            var listens: Int32 = -1
        }

        /// Opens a file and closes it.
        /// - Returns: 0, or the error.
        private static func open(_ path: String, _ flags: Int32) -> Int32 {
            let descriptor = Glibc.open(path, flags | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { return errno }
            close(descriptor)
            return 0
        }

        /// Binds a TCP socket to a free port of loopback.
        private static func listen() -> Int32 {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            guard descriptor >= 0 else { return errno }
            defer { close(descriptor) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            let result = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            return result == 0 ? 0 : errno
        }

        /// Runs a closure on a thread of its own, which may restrict itself.
        private static func onThread(_ body: @escaping @Sendable () -> Tries) async -> Tries {
            await withCheckedContinuation { continuation in
                Thread { continuation.resume(returning: body()) }.start()
            }
        }

        @Test func itHasItsFolderTheNetworkAndNothingElse() async throws {
            let base = NSTemporaryDirectory() + "martlet-sandbox-" + UUID().uuidString
            let (folder, outside) = (base + "/models", base + "/private")
            #expect(DownloadSandbox.prepare(folder) && DownloadSandbox.prepare(outside))
            defer { try? FileManager.default.removeItem(atPath: base) }
            try Data("secret".utf8).write(to: URL(fileURLWithPath: outside + "/key"))
            let tries = await Self.onThread {
                var tries = Tries()
                tries.outcome = DownloadSandbox.enter(writing: [folder])
                tries.made = Self.open(folder + "/m.part", O_CREAT | O_WRONLY)
                tries.renamed = rename(folder + "/m.part", folder + "/m") == 0 ? 0 : errno
                tries.readsOutside = Self.open(outside + "/key", O_RDONLY)
                tries.makesOutside = Self.open(outside + "/new", O_CREAT | O_WRONLY)
                tries.removesOutside = unlink(outside + "/key") == 0 ? 0 : errno
                tries.readsSystem = Self.open("/etc/hosts", O_RDONLY)
                var process = pid_t()
                var arguments: [UnsafeMutablePointer<CChar>?] = [nil]
                tries.runs = posix_spawn(&process, "/bin/true", nil, nil, &arguments, environ)
                tries.connects = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0) >= 0 ? 0 : errno
                tries.listens = Self.listen()
                return tries
            }
            // A kernel without Landlock has no such sandbox, and the download says so.
            if case .unavailable(let number) = tries.outcome {
                #expect([ENOSYS, EOPNOTSUPP].contains(number))
                return
            }
            #expect(tries.outcome == .entered)
            #expect(tries.made == 0 && tries.renamed == 0 && tries.readsSystem == 0 && tries.connects == 0)
            #expect(tries.readsOutside == EACCES && tries.makesOutside == EACCES && tries.removesOutside == EACCES)
            #expect(tries.runs == EACCES)
            // Kernels before 6.7 know no rights of the network.
            #expect([EACCES, 0].contains(tries.listens))
            // Other threads have all their rights.
            #expect(Self.open(outside + "/key", O_RDONLY) == 0)
        }
    }
#endif
