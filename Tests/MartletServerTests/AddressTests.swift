import Logging
import MartletTestSupport
import Testing

@testable import MartletServer

/// The values of `--host`.
@Suite struct AddressTests {
    @Test(
        arguments: [
            ("127.0.0.1", "127.0.0.1", nil), ("[::1]", "::1", nil), ("::1", "::1", nil), ("::", "::", nil),
            ("localhost:9000", "localhost", 9000), ("127.0.0.1:8080", "127.0.0.1", 8080), ("[::1]:8080", "::1", 8080),
            ("*", "0.0.0.0", nil), ("*:80", "0.0.0.0", 80), ("box.local", "box.local", nil), ("my_box", "my_box", nil),
            ("fe80::1%eth0", "fe80::1%eth0", nil), ("::ffff:127.0.0.1", "::ffff:127.0.0.1", nil),
        ] as [(String, String, Int?)])
    func commonAddressSpellingsAreAccepted(text: String, host: String, port: Int?) throws {
        let address = try #require(ListenAddress(text))
        #expect(address.endpoint == .host(host))
        #expect(address.port == port)
    }

    @Test(arguments: [
        "", " ", "127.0.0", "127.0.0.1.1", "127.0.0.256", "1", "[::1", "[127.0.0.1]", ":::1", "localhost:",
        "localhost:x",
        "localhost:99999", "http://localhost/v1", "ftp://localhost", "a b", "user@host", "-box", "box..local",
        "tcp://[::1]", "http://127.0.0.1", "https://localhost:443/", "HTTPS://[::1]", "http://x.sock",
    ])
    func invalidAddressesAreRefused(text: String) {
        #expect(ListenAddress(text) == nil)
    }

    @Test(arguments: [
        ("[::1]", true), ("0:0:0:0:0:0:0:1", true), ("::ffff:127.0.0.1", true),
        ("127.0.0.1:8080", true), ("app.localhost", true), ("x.sock", true), ("::", false), ("fe80::1", false),
        ("::ffff:10.0.0.1", false), ("10.0.0.1", false), ("localhost.example", false),
    ])
    func onlyLoopbackNeedsNoKey(text: String, isLocal: Bool) throws {
        #expect(try #require(ListenAddress(text)).isLocal == isLocal)
        var configuration = ServerConfiguration()
        configuration.addresses = [.loopback, try #require(ListenAddress(text))]
        #expect(((try? configuration.check()) != nil) == isLocal)
    }

    @Test func aServerListensOnSeveralAddresses() async throws {
        let path = "martlet-\(UInt32.random(in: 0 ... .max)).sock"
        let socket = try #require(ListenAddress(path))
        try await TestServer.run {
            $0.addresses = [.loopback, socket]
        } body: { server async throws in
            #expect(try await server.send("GET", "/health").head.status == 200)
            let connection = try await RawConnection.connect(socketPath: path)
            try await connection.send("GET", "/health")
            #expect(try await connection.readHead().status == 200)
            try await connection.close()
        }
        let again = try? await RawConnection.connect(socketPath: path)
        #expect(again == nil)
    }

    @Test(arguments: [
        ("192.0.2.1", "no address of this machine is 192.0.2.1; choose another --host"),
        ("nowhere.invalid", "no address is known for the name 'nowhere.invalid'; --host must be "),
        ("0.0.0.0", "other machines could use a server on 0.0.0.0 without a key; "),
    ])
    func anAddressOfAnotherMachineIsOneClearErrorEvenWithoutAKey(host: String, expected: String) async throws {
        var configuration = ServerConfiguration()
        configuration.host = host
        configuration.port = 0
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let edge = EdgeServer(configuration: configuration, logger: logger) { FakeEngine($0) }
        let error = await #expect(throws: EdgeServerError.self) { try await edge.run(until: []) }
        #expect(error?.description.hasPrefix(expected) == true, "\(error?.description ?? "")")
    }
}
