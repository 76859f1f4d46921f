import Subprocess
import SystemPackage
import Testing

#if os(Linux)
    import Glibc

    @Suite(.serialized, .timeLimit(.minutes(15))) struct WorkerRightsTests {
        private func status(of process: pid_t) throws -> [Substring: Substring] {
            let descriptor = try FileDescriptor.open("/proc/\(process)/status", .readOnly)
            let bytes = try descriptor.closeAfter {
                try [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
                    count = try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
                }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            let pairs = text.split(separator: "\n").map { $0.split(separator: "\t", maxSplits: 1) }
            return Dictionary(pairs.filter { $0.count == 2 }.map { ($0[0], $0[1]) }) { first, _ in first }
        }

        /// The targets of the open descriptors of a process.
        private func descriptors(of process: pid_t) async throws -> [Substring] {
            let result = try await Subprocess.run(
                .name("find"), arguments: ["/proc/\(process)/fd", "-type", "l", "-printf", "%l\\n"],
                output: .string(limit: 1 << 20))
            return result.standardOutput.split(separator: "\n")
        }

        @Test func theWorkerHasNoMoreRightsThanItNeeds() async throws {
            try await Server.run { server in
                let worker = try await server.worker()
                let status = try self.status(of: worker)
                #expect(status["NoNewPrivs:"] == "1")
                #expect(status["Seccomp:"] == "2")
                let descriptors = try await self.descriptors(of: worker)
                #expect(!descriptors.isEmpty)
                #expect(!descriptors.contains { $0.hasPrefix("socket:") }, "\(descriptors)")
                // The edge listens, so it has some.
                let edge = try await self.descriptors(of: server.processIdentifier)
                #expect(edge.contains { $0.hasPrefix("socket:") })
            }
            try await Server.run(["--no-sandbox"]) { server in
                let free = try self.status(of: try await server.worker())
                #expect(free["Seccomp:"] == "0")
            }
        }
    }
#endif
