import Logging
import MartletTestSupport
import Testing

@testable import MartletServer

/// A server on a Unix socket.
@Suite struct SocketTests {
    @Test func itAnswersUnderAnyNameAndNeedsNoKey() async throws {
        // In the current folder, as the path of a socket may have about a hundred bytes.
        let path = "martlet-\(UInt32.random(in: 0 ... .max)).sock"
        try await TestServer.run {
            $0.host = path
        } body: { _ in
            let connection = try await RawConnection.connect(socketPath: path)
            try await connection.send("GET /health HTTP/1.1\r\nHost: whatever\r\n\r\n")
            #expect(try await connection.readHead().status == 200)
            try await connection.close()
        }
        let again = try? await RawConnection.connect(socketPath: path)
        #expect(again == nil)
    }

    @Test(arguments: ["/nowhere/at/all/x.sock", "/" + String(repeating: "x", count: 300) + ".sock"])
    func aPathThatCannotBeListenedOnIsOneClearError(path: String) async throws {
        var configuration = ServerConfiguration()
        configuration.host = path
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let edge = EdgeServer(configuration: configuration, logger: logger) { FakeEngine($0) }
        do {
            try await edge.run(until: [])
            Issue.record("it ran")
        } catch let error as EdgeServerError {
            #expect(error.description.contains(path) && error.description.contains("--host"))
        }
    }
}
