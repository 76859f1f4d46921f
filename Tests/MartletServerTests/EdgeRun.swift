import Logging
import MartletServer

/// The run of an edge server on a free port around the body of a test.
struct EdgeRun {
    /// A configuration with a free port and short waits at the end.
    private(set) var configuration = ServerConfiguration()
    private let ports: AsyncStream<Int>
    private let port: AsyncStream<Int>.Continuation

    init() {
        (ports, port) = AsyncStream.makeStream()
        configuration.port = 0
        configuration.drainTimeout = .milliseconds(300)
        configuration.closingTimeout = .milliseconds(100)
        configuration.onListening = { [port] in port.yield($0) }
    }

    /// Runs the body while the server listens, then shuts the server down. The server must end by itself then.
    /// - Parameter body: Receives the port. It does not run if the server ends before it listens.
    func run(_ edge: EdgeServer, body: (Int) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [port] in
                defer { port.finish() }
                try await edge.run(until: [])
            }
            for await port in ports {
                try await body(port)
                break
            }
            await edge.shutDown()
            try await group.waitForAll()
        }
    }

    /// A logger without output.
    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}
