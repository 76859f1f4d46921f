import MartletJSON
import MartletProtocol
import MartletTestSupport
import MartletText
import NIOCore
import Testing

@testable import MartletServer

/// The chat page: its pack, its files over HTTP, and who may read them.
@Suite struct PageTests {
    /// A pack in the form that the bundle step writes.
    private static func pack(head: String, _ content: String, magic: String = "martlet page 1\n\n") -> [UInt8] {
        let length = UInt32(head.utf8.count)
        return Array(magic.utf8) + (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + Array(head.utf8)
            + Array(content.utf8)
    }

    private static func read(_ bytes: [UInt8]) throws(PagePack.Damage) -> PagePack {
        try PagePack(count: bytes.count) { ByteBuffer(bytes: bytes[$0]) }
    }

    private static let sample = pack(
        head: #"""
            [{"name":"index.html","type":"text/html; charset=utf-8","tag":"i1","identity":[0,4],"gzip":[4,2]},
             {"name":"page/app-1.js","type":"text/javascript","tag":"a1","identity":[6,3],"gzip":[9,2],"br":[11,1]},
             {"name":"page/frame-1.html","type":"text/html; charset=utf-8","tag":"f1","identity":[12,5]}]
            """#, "pageGGappZZbframe")

    private static func withPage(_ configuration: inout ServerConfiguration) {
        configuration.readPagePack = { () throws(PagePack.Damage) in try read(sample) }
    }

    @Test func aPackListsItsFilesWithAllForms() throws {
        let pack = try Self.read(Self.sample)
        #expect(pack.files.count == 3)
        let file = try #require(pack.files[ExactString("page/app-1.js")])
        #expect(file.type == "text/javascript" && file.tag == "a1")
        #expect(PagePack.Coding.allCases.map { String(buffer: pack.content(of: file, $0)) } == ["b", "ZZ", "app"])
    }

    @Test(arguments: [
        #"{}"#, #"[{"type":"t","tag":"x","identity":[0,1]}]"#, #"[{"name":"a","type":"t","tag":"x"}]"#,
        #"[{"name":"a","type":"t","tag":"x","identity":[0,5]}]"#,
        #"[{"name":"a","type":"t","tag":"x","identity":[-1,1]}]"#,
        #"[{"name":"a","type":"t","tag":"x","identity":[3,2]}]"#,
        #"[{"name":"a","type":"t","tag":"x","identity":[9223372036854775807,9223372036854775807]}]"#,
        #"[{"name":"a","type":"t","tag":"x","identity":[0]}]"#,
        #"[{"name":"a","type":"t","tag":"x","identity":[0,1],"br":[0,99]}]"#,
        #"[{"name":"a","type":"t","tag":"x","identity":[0,1]},{"name":"a","type":"t","tag":"x","identity":[0,1]}]"#,
    ])
    func aDamagedHeadIsRefused(head: String) {
        #expect {
            try Self.read(Self.pack(head: head, "four"))
        } throws: { error in
            if case .invalidHead? = error as? PagePack.Damage { true } else { false }
        }
    }

    /// The gzip form of "page".
    private static let gzip: [UInt8] = [
        0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0x2B, 0x48, 0x4C, 0x4F, 5, 0, 0x20, 0xB6, 0x0A, 0x14, 4, 0, 0, 0,
    ]

    @Test func aFileThatIsStoredInGzipIsDecompressedForClientsWithoutIt() throws {
        let head = #"[{"name":"a","type":"t","tag":"x","gzip":[0,24]},{"name":"b","type":"t","tag":"y","gzip":[1,23]}]"#
        let pack = try Self.read(Self.pack(head: head, "") + Self.gzip)
        let file = try #require(pack.files[ExactString("a")])
        #expect(String(buffer: pack.content(of: file, .identity)) == "page")
        #expect(Array(pack.content(of: file, .gzip).readableBytesView) == Self.gzip)
        // A damaged form is an empty file and no trap.
        let damaged = try #require(pack.files[ExactString("b")])
        #expect(pack.content(of: damaged, .identity).readableBytes == 0)
    }

    @Test func otherBytesAreNoPack() {
        for count in 0..<24 {
            #expect(throws: PagePack.Damage.self) { try Self.read(Array(Self.sample.prefix(count))) }
        }
        #expect(throws: PagePack.Damage.notAPack) {
            try Self.read(Self.pack(head: "[]", "", magic: "martlet page 2\n\n"))
        }
    }

    @Test(arguments: [
        (nil, "identity"), ("", "identity"), ("gzip", "gzip"), ("br, gzip", "br"), ("gzip, deflate, br, zstd", "br"),
        ("br;q=0, gzip;q=0.5", "gzip"), ("br;q=0.1, gzip;q=0.5", "gzip"), ("*", "br"), ("*;q=0", "identity"),
        ("BR ; Q=1", "br"), ("br;q=x", "identity"), ("identity, gzip;q=0.5", "identity"), (";,;q=1,", "identity"),
    ])
    func theClientsPreferredFormIsSent(field: String?, coding: String) {
        #expect(AcceptedCodings(field).choose(from: PagePack.Coding.allCases).rawValue == coding)
    }

    @Test func thePageIsAskedForAgainAndItsFilesNever() async throws {
        try await TestServer.run(configure: Self.withPage) { server async throws in
            let (page, text) = try await server.send("GET", "/", headers: [("Accept-Encoding", "br")])
            #expect(page.status == 200 && text == "page")
            #expect(page["content-type"] == "text/html; charset=utf-8" && page["cache-control"] == "no-cache")
            #expect(page["content-encoding"] == nil && page["vary"] == "Accept-Encoding")
            #expect(page["x-content-type-options"] == "nosniff" && page["referrer-policy"] == "no-referrer")
            let rules = page["content-security-policy"] ?? ""
            for rule in [
                "default-src 'none'", "script-src 'self'", "frame-src 'self'", "frame-ancestors 'none'",
                "trusted-types 'none'",
            ] {
                #expect(rules.contains(rule))
            }
            // The page of a frame runs the scripts of an answer, so it is an origin of its own without network.
            let (frame, document) = try await server.send("GET", "/page/frame-1.html")
            #expect(frame.status == 200 && document == "frame" && frame["x-content-type-options"] == "nosniff")
            let framed = frame["content-security-policy"] ?? ""
            for rule in ["sandbox allow-scripts", "default-src 'none'", "frame-ancestors 'self'"] {
                #expect(framed.contains(rule))
            }
            for word in ["allow-same-origin", "connect-src", "allow-top", "http", "'self' "] {
                #expect(!framed.contains(word))
            }
            let tag = try #require(page["etag"])
            for value in [tag, "W/" + tag, "\"x\", \(tag)", "*"] {
                let (again, nothing) = try await server.send("GET", "/", headers: [("If-None-Match", value)])
                #expect(again.status == 304 && nothing.isEmpty && again["etag"] == tag)
            }
            #expect(try await server.send("GET", "/", headers: [("If-None-Match", "\"x\"")]).head.status == 200)
            // Another form has another tag.
            let other = [("If-None-Match", tag), ("Accept-Encoding", "gzip")]
            #expect(try await server.send("GET", "/", headers: other).body == "GG")

            let (file, code) = try await server.send(
                "GET", "/page/app-1.js", headers: [("Accept-Encoding", "gzip, br")])
            #expect(file.status == 200 && code == "b" && file["content-encoding"] == "br")
            #expect(file["cache-control"] == "public, max-age=31536000, immutable")
            #expect(try await server.send("HEAD", "/page/app-1.js").head["content-length"] == "3")
            for name in [
                "/page/app-2.js", "/page/index.html", "/page/..%2Findex.html", "/page/", "/index.html",
                "/page/page/app-1.js",
            ] {
                #expect(try await server.send("GET", name).head.status == 404, "\(name)")
            }
        }
    }

    @Test func onlyTheFilesOfThePageNeedNoKey() async throws {
        try await TestServer.run {
            Self.withPage(&$0)
            $0.apiKeys = APIKeys(["secret"])
        } body: { server async throws in
            for path in ["/", "/page/app-1.js"] { #expect(try await server.send("GET", path).head.status == 200) }
            #expect(try await server.send("HEAD", "/").head.status == 200)
            #expect(try await server.send("POST", "/").head.status == 401)
            for path in ["/props", "/v1/models", "/v1/metrics/history", "/page", "/page/b/c", "/index.html"] {
                #expect(try await server.send("GET", path).head.status == 401, "\(path)")
            }
        }
    }

    @Test func aServerWithoutPageSaysHowToBuildItOrHasNoRoute() async throws {
        try await TestServer.run {
            $0.readPagePack = { () throws(PagePack.Damage) in throw .notAPack }
        } body: { server async throws in
            let (head, body) = try await server.send("GET", "/")
            #expect(head.status == 200 && body.contains("make page") && head["cache-control"] == "no-store")
            #expect(try await server.send("GET", "/page/app-1.js").head.status == 404)
        }
        try await TestServer.run {
            Self.withPage(&$0)
            $0.servesPage = false
            $0.apiKeys = APIKeys(["secret"])
        } body: { server async throws in
            let key = [("Authorization", "Bearer secret")]
            #expect(try await server.send("GET", "/").head.status == 401)
            for path in ["/", "/page/app-1.js"] {
                #expect(try await server.send("GET", path, headers: key).head.status == 404)
            }
        }
    }

    @Test func allRoutesLieBehindThePrefix() async throws {
        try await TestServer.run {
            Self.withPage(&$0)
            $0.pathPrefix = "/llm/v"
        } body: { server async throws in
            #expect(try await server.send("GET", "/llm/v/").body == "page")
            #expect(try await server.send("GET", "/llm/v/page/app-1.js").body == "app")
            #expect(try await server.send("GET", "/llm/v/health").head.status == 200)
            let (moved, _) = try await server.send("GET", "/llm/v?q=1")
            #expect(moved.status == 308 && moved["location"] == "/llm/v/?q=1")
            for path in ["/", "/health", "/llm/health", "/llm/vx/health", "/llm"] {
                let (head, body) = try await server.send("GET", path)
                #expect(head.status == 404 && body.contains("/llm/v"), "\(path)")
            }
        }
    }

    @Test(arguments: [
        ("http://192.168.1.5:8080", "192.168.1.5:8080", true), ("http://192.168.1.5:8080", "192.168.1.5", false),
        ("http://[fe80::1]:8080", "[fe80::1]:8080", true), ("http://nas:8080", "NAS:8080", true),
        ("http://nas.local", "nas.local", true), ("https://evil.example", "evil.example", false),
        ("http://1.2.3.evil", "1.2.3.evil", false), ("null", "null", false), ("http://nas", nil, false),
        ("http://localhost:3000", "nas:8080", true),
    ])
    func thePageOfThisServerMayUseIt(origin: String, authority: String?, isAllowed: Bool) {
        let rule = PageOriginRule(
            origins: CrossOriginPolicy(), hosts: HostPolicy(hosts: ["0.0.0.0"], allowedHosts: []), hasKeys: false)
        #expect(rule.allows(origin, at: authority) == isAllowed)
    }

    @Test func aPublicNameIsTrustedWithAKeyOrIfTheOperatorNamesIt() {
        let open = HostPolicy(hosts: ["0.0.0.0"], allowedHosts: [])
        let named = HostPolicy(hosts: ["0.0.0.0"], allowedHosts: ["chat.example"])
        for (hosts, hasKeys, isAllowed) in [(open, false, false), (open, true, true), (named, false, true)] {
            let rule = PageOriginRule(origins: CrossOriginPolicy(), hosts: hosts, hasKeys: hasKeys)
            #expect(rule.allows("https://chat.example", at: "chat.example") == isAllowed)
            #expect(!rule.allows("https://evil.example", at: "chat.example"))
        }
    }

    @Test func theHistoryIsServedWithMetrics() async throws {
        try await TestServer.run { server async throws in
            let (head, body) = try await server.send("GET", "/v1/metrics/history?since=0")
            #expect(head.status == 200)
            #expect(try json(body)["object"] == "metrics.history" && json(body)["time"]?.arrayValue != nil)
            let (refused, reason) = try await server.send("GET", "/v1/metrics/history?since=x")
            #expect(refused.status == 400 && reason.contains("since"))
        }
        try await TestServer.run {
            $0.servesMetrics = false
        } body: { server async throws in
            let (head, body) = try await server.send("GET", "/v1/metrics/history")
            #expect(head.status == (try await server.send("GET", "/metrics").head.status) && body.contains("--metrics"))
        }
    }
}
