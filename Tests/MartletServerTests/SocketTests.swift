import Logging
import MartletTestSupport
import NIOCore
import NIOPosix
import Testing

@testable import MartletServer

/// A server on a Unix socket.
@Suite struct SocketTests {
    @Test func aUnixSocketAcceptsAnyHostAndNeedsNoKey() async throws {
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

    @Test func aSecondServerOnTheSameSocketIsRefused() async throws {
        let path = "martlet-\(UInt32.random(in: 0 ... .max)).sock"
        try await TestServer.run {
            $0.host = path
        } body: { _ in
            var configuration = ServerConfiguration()
            configuration.host = path
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let second = EdgeServer(configuration: configuration, logger: logger) { FakeEngine($0) }
            let error = await #expect(throws: EdgeServerError.self) { try await second.run(until: []) }
            #expect(error?.description.contains(path) == true)
            // The first server continues.
            let connection = try await RawConnection.connect(socketPath: path)
            try await connection.send("GET", "/health")
            #expect(try await connection.readHead().status == 200)
            try await connection.close()
        }
    }

    @Test func theSocketFileOfAKilledServerIsReplaced() async throws {
        let path = "martlet-\(UInt32.random(in: 0 ... .max)).sock"
        let left = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(unixDomainSocketPath: path).get()
        try await left.close()
        try await TestServer.run {
            $0.host = path
        } body: { _ in
            let connection = try await RawConnection.connect(socketPath: path)
            try await connection.close()
        }
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
