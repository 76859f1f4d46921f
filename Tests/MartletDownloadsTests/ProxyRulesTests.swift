import Testing

@testable import MartletDownloads

@Suite struct ProxyRulesTests {
    private func rules(_ variables: [String: String]) throws -> ProxyRules {
        try ProxyRules { variables[$0] }
    }

    private func proxy(_ address: String, _ variables: [String: String]) throws -> ProxyRules.Proxy? {
        try rules(variables).proxy(for: try DownloadAddress(address))
    }

    @Test func eachSchemeHasItsVariable() throws {
        let variables = ["https_proxy": "http://a:1", "http_proxy": "http://b:2"]
        #expect(try proxy("https://hub.example/x", variables)?.host == "a")
        #expect(try proxy("http://hub.example/x", variables)?.host == "b")
        #expect(try proxy("http://hub.example/x", ["all_proxy": "c:3"])?.port == 3)
        #expect(try proxy("https://hub.example/x", ["ALL_PROXY": "c"])?.port == 1080)
        // Small letters come first, and web servers set HTTP_PROXY from a header of their clients.
        #expect(try proxy("https://x/", ["https_proxy": "a:1", "HTTPS_PROXY": "b:2"])?.host == "a")
        #expect(try proxy("http://x/", ["HTTP_PROXY": "b:2"]) == nil)
        #expect(try proxy("https://x/", ["https_proxy": ""]) == nil)
    }

    /// The rule is that of each request, so that a redirect to an exempt host is direct.
    @Test func exemptHostsHaveNoProxy() throws {
        let rules = try rules(["https_proxy": "a:1", "no_proxy": "localhost, .corp.example"])
        #expect(rules.proxy(for: try DownloadAddress("https://hub.example/")) != nil)
        #expect(rules.proxy(for: try DownloadAddress("https://cdn.corp.example/")) == nil)
        #expect(rules.proxy(for: try DownloadAddress("https://localhost:8443/")) == nil)
    }

    @Test func aProxyHasAKindAndCredentials() throws {
        let full = try ProxyRules.Proxy("HTTP://me:p%40ss:w@Proxy.Example:3128/")
        #expect(full.kind == .http && full.host == "proxy.example" && full.port == 3128)
        #expect(full.credentials == .init(name: "me", password: "p@ss:w"))
        let socks = try ProxyRules.Proxy("socks5h://[::1]")
        #expect(socks.kind == .socks && socks.host == "::1" && socks.port == 1080)
        #expect(try ProxyRules.Proxy("[::1]:80").port == 80)
    }

    @Test(arguments: ["ftp://p:1", "https://p:1", "http://", "http://p:0", "http://p:x", "socks5://me:secret@p:1"])
    func aWrongProxyIsRefusedWithoutItsPassword(text: String) {
        do throws(DownloadError) {
            _ = try ProxyRules(environment: { $0 == "https_proxy" ? text : nil })
            Issue.record("\(text) was accepted")
        } catch {
            #expect(error.description.hasPrefix("https_proxy: "))
            #expect(!error.description.contains("secret"))
        }
    }
}
