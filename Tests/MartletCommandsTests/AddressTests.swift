import MartletDownloads
import MartletModels
import MartletPool
import MartletTestSupport
import NIOCore
import Testing

@testable import MartletCommands

/// Addresses of servers in every form, and the words about a server that does not respond.
@Suite struct AddressTests {
    @Test(arguments: 0..<300) func everyFormOfAnAddressIsReadAndWrittenBack(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let host = ["localhost", "127.0.0.1", "a.example.org", "::1", "fe80::1%eth0", "x-y"].randomElement(
            using: &random)!
        let port: Int? = random.element(of: [nil, 1, 80, 443, 8080, 65_535])
        let scheme: String? = random.element(of: [nil, "http", "https", "HTTP", "hTTps"])
        let path = ["", "/", "/v1", "/v1/", "/llm", "/llm/v1", "/llm/v1//", "/a/b/", "//"].randomElement(
            using: &random)!
        let bracketed = host.contains(":") ? "[\(host)]" : host
        let text = (scheme.map { $0 + "://" } ?? "") + bracketed + (port.map { ":\($0)" } ?? "") + path
        let url = try #require(BaseURL(text), "\(text)")
        let isSecure = scheme?.lowercased() == "https"
        #expect(url.host == host && url.usesTLS == isSecure)
        #expect(url.port == port ?? (scheme == nil ? 8080 : isSecure ? 443 : 80))
        #expect(["", "/llm", "/a/b"].contains(url.prefix), "\(url.prefix)")
        #expect(url.prefix == (path.hasPrefix("/llm") ? "/llm" : path.hasPrefix("/a") ? "/a/b" : ""))
        // The description is read as the same address.
        #expect(BaseURL(url.description) == url && !url.description.hasSuffix("/"))
        #expect(url.authority == "\(bracketed):\(url.port)")
        #expect(url.serverName == (["localhost", "a.example.org", "x-y"].contains(host) ? host : nil))
    }

    @Test(arguments: [
        "::1", "::1:8080", "http://::1:80", "[::1", "[::1]8080", "[::1]]:80", "[[::1]:80", "http://[]", "[]", ":80",
        "h:",
        "h:0", "h:65536", "h:-1", "h:8 0", "h:80:80", "ws://h", "http:///x", "https://", "a b", "h\t", "h:٨٠", "",
    ])
    func anAddressWithTwoMeaningsOrNoneIsRefused(text: String) {
        #expect(BaseURL(text) == nil)
    }

    @Test(arguments: 0..<50) func noTextEndsTheProgram(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed) + 400)
        let parts = ["http://", "https://", "[", "]", ":", "/", "v1", "80", "h", " ", "é", "%", "@", "?", "\u{0}"]
        for _ in 0..<200 {
            let text = (0..<Int.random(in: 0...7, using: &random)).map { _ in random.element(of: parts) }
                .joined()
            guard let url = BaseURL(text), !url.prefix.hasSuffix("/v1") else { continue }
            #expect(BaseURL(url.description) == url, "\(text)")
            #expect((1...65_535).contains(url.port) && !url.host.isEmpty)
        }
    }

    @Test func aConnectionProblemNamesTheNextStep() throws {
        let url = try #require(BaseURL("http://h:9"))
        let refused = IOError(errnoCode: 111, reason: "connect")
        #expect(ConnectionProblem.text(refused, url: url).contains("no server listens on http://h:9"))
        #expect(ConnectionProblem.text(refused, url: url).contains("martlet serve"))
        let reset = IOError(errnoCode: 104, reason: "read")
        #expect(ConnectionProblem.text(reset, url: url) == "http://h:9 closed the connection")
        #expect(ConnectionProblem.text(CancellationError(), url: url).hasPrefix("http://h:9 cannot be reached: "))
    }

    // MARK: Downloads

    @Test(arguments: [
        ("hub.example.org", "example.org", true), ("example.org", "example.org", true),
        ("example.org", ".example.org", true),
        ("badexample.org", "example.org", false), ("example.org.evil", "example.org", false), ("h", "*", true),
        ("h", "", false), ("h", " , ,", false), ("h", "a, H", true), ("127.0.0.1", "127.0.0.1", true),
        ("h", ".", false),
    ])
    func noProxyNamesHostsAndDomains(host: String, list: String, isExempt: Bool) {
        #expect(ProxyRules.isExempt(host, list) == isExempt)
        #expect(!ProxyRules.isExempt(host, ""))
    }

    @Test(arguments: [
        (#"{"done":5,"total":9}"#, true), (#"{"file":"f","done":0,"total":0}"#, true),
        (#"{"done":-1,"total":9}"#, false),
        (#"{"done":1}"#, false), ("", false), ("downloading", false), (#"{"done":1.5,"total":9}"#, false),
        ("[]", false),
    ])
    func onlyLinesOfProgressAreProgress(line: String, isProgress: Bool) throws {
        let reference = try #require(HubReference("org/model:Q8_0"))
        let state = ChildDownloader.file(Array(line.utf8), .repository(reference, file: nil))
        #expect((state != nil) == isProgress)
        if line == #"{"done":5,"total":9}"# {
            let file = try #require(state)
            #expect((file.doneByteCount, file.totalByteCount, file.address) == (5, 9, "org/model:Q8_0"))
        }
    }
}
