import Logging
import MartletPlatform
import MartletProtocol
import MartletTestSupport
import NIOCore
import NIOSSL
import Testing

@testable import MartletServer

/// HTTPS with certificates for tests.
@Suite struct TLSTests {
    private static func path(_ name: String) -> String {
        #filePath.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" } + "/Certificates/" + name
    }
    private static let files = TLSFiles(
        certificatePath: path("localhost.pem"), keyPath: path("localhost-key.pem"))

    /// - Parameter name: the certificate that the server must present.
    private func connect(_ server: TestServer, expecting name: String = "localhost.pem") async throws -> RawConnection {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .file(Self.path(name))
        configuration.shutdownTimeout = .milliseconds(20)
        let context = try NIOSSLContext(configuration: configuration)
        return try await RawConnection.connect(port: server.port) {
            try NIOSSLClientHandler(context: context, serverHostname: "localhost")
        }
    }

    @Test func bytesOverTLSAreTheBytesWithoutTLS() async throws {
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

    /// Runs `body` with files that may be replaced.
    private func withCopies(_ body: (TLSFiles) async throws -> Void) async throws {
        let prefix = "/tmp/martlet-certificate-\(UInt32.random(in: 0 ... .max))"
        let files = TLSFiles(certificatePath: prefix + ".pem", keyPath: prefix + "-key.pem")
        defer { for path in [files.certificatePath, files.keyPath] { unlink(path) } }
        try copy("localhost", to: files)
        try await body(files)
    }

    private func copy(_ name: String, to files: TLSFiles, keyOnly: Bool = false) throws {
        if !keyOnly { try copy(name + ".pem", to: files.certificatePath) }
        try copy(name + "-key.pem", to: files.keyPath)
    }

    /// Replaces the file at `path`, as certificate tools do.
    private func copy(_ name: String, to path: String) throws {
        unlink(path)
        try #require(symlink(Self.path(name), path) == 0)
    }

    @Test func aPipeInPlaceOfACertificateIsNamedAtOnce() async throws {
        let pipe = "/tmp/martlet-certificate-\(UInt32.random(in: 0 ... .max))"
        try #require(mkfifo(pipe, 0o600) == 0)
        defer { unlink(pipe) }
        for (certificate, key) in [(pipe, Self.path("localhost-key.pem")), (Self.path("localhost.pem"), pipe)] {
            let error = await #expect(throws: EdgeServerError.self) {
                try await TestServer.run {
                    $0.tls = TLSFiles(certificatePath: certificate, keyPath: key)
                } body: { _ in
                    Issue.record("it runs")
                }
            }
            #expect(error?.description.contains("it is a pipe, not a file") == true)
        }
    }

    @Test func newConnectionsGetTheNewCertificateAndOldConnectionsContinue() async throws {
        try await withCopies { files in
            try await TestServer.run {
                $0.tls = files
            } body: { server async throws in
                let old = try await connect(server)
                try await old.send("POST", "/v1/chat/completions", body: chat(stream: true))
                _ = try await old.readHead()
                let handle = await server.engine.request(0).handle

                try copy("other", to: files)
                server.edge.reloadCertificates()
                let new = try await connect(server, expecting: "other.pem")
                try await new.send("GET", "/health")
                #expect(try await new.readHead().status == 200)
                try await new.close()

                server.engine.step([handle], text: "still here")
                server.engine.finish(handle)
                #expect(try content(of: try await old.readEvents()) == "still here")
                try await old.close()
            }
        }
    }

    @Test func filesThatChangeAreReadWhenAConnectionComes() async throws {
        try await withCopies { files in
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let start = ContinuousClock.now
            let store = try CertificateStore(files, logger: logger, now: start)
            let first = store.current(at: start)
            try copy("other", to: files)
            #expect(store.current(at: start + .milliseconds(999)).bestEffortEquals(first))
            #expect(!store.current(at: start + .seconds(1)).bestEffortEquals(first))
        }
    }

    @Test func aKeyWithoutItsCertificateChangesNothing() async throws {
        try await withCopies { files in
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let start = ContinuousClock.now
            let store = try CertificateStore(files, logger: logger, now: start)
            let first = store.current(at: start)
            try copy("other", to: files, keyOnly: true)
            #expect(store.current(at: start + .seconds(1)).bestEffortEquals(first))
            store.reload()
            #expect(store.current(at: start + .seconds(2)).bestEffortEquals(first))
            try copy("other", to: files)
            #expect(!store.current(at: start + .seconds(3)).bestEffortEquals(first))
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

    @Test func plainHTTPGetsNoResponse() async throws {
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
