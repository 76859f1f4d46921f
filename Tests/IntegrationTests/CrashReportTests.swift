import MartletPlatform
import Testing

/// A crash of the server leaves one stack in its log.
@Suite(.serialized, .timeLimit(.minutes(15)), .enabled(if: getenv("SWIFT_BACKTRACE") == nil))
struct CrashReportTests {
    /// The process is the one that was started: `exec` keeps its number.
    @Test func theReportHasTheStackOfTheCrashedThreadAlone() async throws {
        try await Server.run { server in
            // A signal from outside repeats no faulting instruction, so the server continues after the report.
            kill(server.processIdentifier, SIGILL)
            try await server.wait(until: { !server.log.lines(with: "Backtrace took").isEmpty })
            #expect(server.log.lines(with: "Program crashed").count == 1)
            #expect(server.log.lines(with: "Thread ").count == 1)
            #expect(server.log.lines(with: "Images").isEmpty)
            #expect(server.log.lines(with: "Registers").isEmpty)
        }
    }

    @Test func workersDoNotInheritTheServersSettings() async throws {
        try await Server.run { server in
            let worker = try await server.worker()
            kill(worker, SIGILL)
            try await server.wait(until: {
                let workers = try await server.workers()
                return !workers.isEmpty && !workers.contains(worker)
            })
            #expect(server.log.lines(with: "Backtrace took").isEmpty)
        }
    }
}
