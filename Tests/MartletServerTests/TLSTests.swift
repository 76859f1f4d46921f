import Logging
import MartletProtocol
import MartletTestSupport
import NIOCore
import NIOSSL
import Testing

@testable import MartletServer

/// HTTPS with certificates that are only good for these tests.
@Suite struct TLSTests {
    private static func path(_ name: String) -> String {
        #filePath.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" } + "/Certificates/" + name
    }
    private static let files = TLSFiles(
        certificatePath: path("localhost.pem"), keyPath: path("localhost-key.pem"))

    private func connect(_ server: TestServer) async throws -> RawConnection {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .file(Self.files.certificatePath)
        configuration.shutdownTimeout = .milliseconds(20)
        let context = try NIOSSLContext(configuration: configuration)
        return try await RawConnection.connect(port: server.port) {
            try NIOSSLClientHandler(context: context, serverHostname: "localhost")
        }
    }

    @Test func whatGoesOverTLSIsWhatGoesWithout() async throws {
        try await TestServer.run {
            $0.tls = Self.files
        } body: { server async throws in
            let connection = try await connect(server)
            try await connection.send("POST", "/v1/chat/completions", body: chat(stream: true))
            #expect(try await connection.readHead().status == 200)
            let handle = await server.engine.request(0).handle
            for text in ["a", "b", "c"] { server.engine.step([handle], text: text) }
            server.engine.finish(handle)
            #expect(try content(of: try await connection.readEvents()) == "abc")
            try await connection.send("GET", "/health")
            #expect(try await connection.readHead().status == 200)
            try await connection.close()
        }
    }

    @Test func aClientThatLeavesIsNoticed() async throws {
        try await TestServer.run {
            $0.tls = Self.files
        } body: { server async throws in
            let connection = try await connect(server)
            try await connection.send("POST", "/v1/chat/completions", body: chat(stream: true))
            _ = try await connection.readHead()
            let handle = await server.engine.request(0).handle
            try await connection.close()
            await server.engine.waitForCancel(of: handle)
        }
    }

    @Test func plainHTTPGetsNoAnswer() async throws {
        try await TestServer.run {
            $0.tls = Self.files
        } body: { server async throws in
            let plain = try await server.connect()
            try await plain.send("GET", "/health")
            await plain.waitForClose()
        }
    }

    @Test(arguments: [
        ("missing.pem", "localhost-key.pem", "--ssl-cert-file"), ("localhost.pem", "missing.pem", "--ssl-key-file"),
        ("localhost.pem", "localhost.pem", "--ssl-key-file"), ("localhost.pem", "other-key.pem", "--ssl-cert-file and"),
    ])
    func filesThatCannotBeUsedAreNamedAtStart(certificate: String, key: String, flag: String) async throws {
        var configuration = ServerConfiguration()
        configuration.port = 0
        configuration.tls = TLSFiles(certificatePath: Self.path(certificate), keyPath: Self.path(key))
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let edge = EdgeServer(configuration: configuration, logger: logger) { FakeEngine($0) }
        do {
            try await edge.run(until: [])
            Issue.record("it ran")
        } catch let error as EdgeServerError {
            #expect(error.description.hasPrefix(flag), "\(error)")
        }
    }
}
