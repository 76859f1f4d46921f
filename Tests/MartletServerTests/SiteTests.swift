import MartletJSON
import MartletTestSupport
import Testing

@testable import MartletServer

/// Web pages of other sites cannot use the server through a visitor's browser.
@Suite struct SiteTests {
    @Test(arguments: [
        ("localhost", true), ("localhost:8080", true), ("LOCALHOST:1", true), ("127.0.0.1:8080", true),
        ("[::1]:8080", true), ("[::1]", true), (nil, true), ("evil.example", false), ("localhost.evil.example", false),
        ("127.0.0.1.evil.example", false), ("localhost:80@evil.example", false), ("localhost:", false), ("", false),
        ("[::1", false), ("192.168.0.1", false),
    ])
    func aServerOnLoopbackIsAddressedUnderItsOwnNamesOnly(authority: String?, isAllowed: Bool) {
        #expect(HostPolicy(hosts: ["127.0.0.1"], allowedHosts: []).allows(authority) == isAllowed)
    }

    @Test func namesCanBeAddedAndTheCheckSwitchedOff() {
        let named = HostPolicy(hosts: ["127.0.0.1"], allowedHosts: ["Models.Example", "box:80"])
        #expect(named.allows("models.example:8080"))
        #expect(named.allows("box"))
        #expect(named.allows("localhost"))
        #expect(!named.allows("evil.example"))
        #expect(HostPolicy(hosts: ["127.0.0.1"], allowedHosts: ["*"]).allows("evil.example"))
    }

    @Test func aPublicServerChecksHostNamesOnlyIfSomeAreConfigured() {
        #expect(HostPolicy(hosts: ["0.0.0.0"], allowedHosts: []).allows("192.168.0.1"))
        #expect(!HostPolicy(hosts: ["0.0.0.0"], allowedHosts: ["box"]).allows("evil.example"))
        #expect(HostPolicy(hosts: ["192.168.0.1"], allowedHosts: ["box"]).allows("192.168.0.1:8080"))
        #expect(HostPolicy(hosts: ["fe80::1"], allowedHosts: ["box"]).allows("[fe80::1]:8080"))
    }

    @Test func aForeignHostIsRefusedOnEveryRoute() async throws {
        try await TestServer.run { server async throws in
            for target in ["/health", "/v1/models", "/nothing"] {
                let connection = try await server.connect()
                try await connection.send("GET \(target) HTTP/1.1\r\nHost: evil.example:8080\r\n\r\n")
                #expect(try await connection.readHead().status == 403)
                let error = try json(try await connection.readBody())["error"]
                #expect(error?["type"] == "permission_error")
                let message = error?["message"]?.stringValue ?? ""
                for word in ["'Host'", "\"evil.example:8080\"", "--allowed-hosts"] { #expect(message.contains(word)) }
            }
        }
    }

    @Test(arguments: [("http://evil.example", 403), ("null", 403), ("http://localhost:3000", 200)])
    func aForeignPageChangesNothing(origin: String, status: Int) async throws {
        try await TestServer.run(script: .complete(["hi"])) { server async throws in
            let (head, body) = try await server.send(
                "POST", "/v1/chat/completions", headers: [("Origin", origin)], body: chat(stream: false))
            #expect(head.status == status)
            #expect(server.engine.requests.count == (status == 200 ? 1 : 0))
            if status == 403 {
                for word in ["'Origin'", origin, "--cors-origins"] { #expect(body.contains(word)) }
            }
            #expect(try await server.send("GET", "/health", headers: [("Origin", origin)]).head.status == 200)
        }
    }

    @Test func anAllowedOriginMayChangeThings() {
        var policy = CrossOriginPolicy()
        policy.origins = .literal("http://a.example")
        #expect(policy.allows("http://a.example"))
        #expect(!policy.allows("http://b.example"))
        policy.origins = .any
        #expect(policy.allows("http://b.example"))
    }

    @Test func aTargetThatIsTooLongIsRefused() async throws {
        try await TestServer.run {
            $0.limits.uriBytes = 20
        } body: { server async throws in
            #expect(try await server.send("GET", "/health?12345678901").head.status == 200)
            let (head, body) = try await server.send("GET", "/health?123456789012345")
            #expect(head.status == 414)
            #expect(body.contains("at most 20 bytes, but has 23"))
        }
    }
}
