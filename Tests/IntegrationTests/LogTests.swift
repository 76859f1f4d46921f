import MartletTestSupport
import Subprocess
import SystemPackage
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A server whose log nobody reads serves all the same.
@Suite(.serialized, .timeLimit(.minutes(3))) struct LogTests {
    private static let requestCount = 3_000

    @Test func aLogThatNobodyReadsHoldsUpNobody() async throws {
        let (readEnd, writeEnd) = try FileDescriptor.pipe()
        defer { try? readEnd.close() }
        let result = try await Subprocess.run(
            MartletProcess.executable, arguments: ["serve", "--port", "0"], input: .none, output: .discarded,
            error: .fileDescriptor(writeEnd, closeAfterSpawningProcess: true)
        ) { execution in
            // What it says when it listens is read, and nothing after that.
            var log = ""
            while !log.contains("Ctrl-C") { log += try Self.read(readEnd) }
            let match = try #require(log.firstMatch(of: /http:\/\/127\.0\.0\.1:(\d+)/))
            let connection = try await RawConnection.connect(port: try #require(Int(match.1)))
            for _ in 0..<Self.requestCount {
                try await connection.send("GET", "/no/such/route")
                let status = try await connection.readHead().status
                _ = try await connection.readBody()
                #expect(status == 404)
            }
            try await connection.send("GET", "/metrics")
            _ = try await connection.readHead()
            let metrics = try await connection.readBody()
            #expect(metrics.contains("martlet_log_lines_dropped_total 0\n"), "\(metrics)")
            try await connection.close()
            try execution.send(signal: .terminate)
        }
        #expect(result.terminationStatus.isSuccess)
    }

    @Test func aClosedStandardErrorHarmsNobody() async throws {
        let socket = "/tmp/martlet-closed-\(getpid()).sock"
        let result = try await Subprocess.run(
            .name("sh"),
            arguments: ["-c", #"exec "$0" serve --host "$1" 2>&-"#, MartletProcess.path.string, socket],
            input: .none, output: .discarded, error: .discarded
        ) { execution in
            var connection: RawConnection?
            while connection == nil { connection = try? await RawConnection.connect(socketPath: socket) }
            let open = try #require(connection)
            // Each of these is logged, to nowhere: not into the connection, nor into what else took the free number.
            for _ in 0..<100 {
                try await open.send("GET", "/no/such/route")
                #expect(try await open.readHead().status == 404)
                _ = try await open.readBody()
            }
            try await open.close()
            try execution.send(signal: .terminate)
        }
        #expect(result.terminationStatus.isSuccess)
    }

    private static func read(_ descriptor: FileDescriptor) throws -> String {
        let bytes = try [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
            count = try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
        }
        try #require(!bytes.isEmpty, "the server ended")
        return String(decoding: bytes, as: UTF8.self)
    }
}
