import MartletJSON
import MartletModels
import Testing

@testable import MartletDownloads

@Suite struct DownloadRuleTests {
    @Test(arguments: [
        "ftp://x/y", "https://", "https://u:p@x/y", "https://x:0/y", "https://x:port/y", "x/y", "https://x/a b",
        "https://x/\u{E9}", "file:///etc/passwd",
    ]) func wrongAddressesAreRefused(text: String) {
        #expect(throws: DownloadError.self) { try DownloadAddress(text) }
    }

    @Test func anAddressHasItsParts() throws {
        let address = try DownloadAddress("HTTPS://Example.org:8443/a/m%2Dq.gguf?x=1#y")
        #expect(address.host == "example.org" && address.port == 8_443 && address.fileName == "m-q.gguf")
        #expect(try address.target(of: "/b").text == "https://example.org:8443/b")
        #expect(try address.target(of: "c").text == "https://example.org:8443/a/c")
        #expect(try address.target(of: "//o/d").text == "https://o/d")
        #expect(try DownloadAddress("http://[::1]:80/x").text == "http://[::1]/x")
    }

    @Test func redirectsFollowTheRules() throws {
        let first = try DownloadAddress("https://hub.example/f")
        func message(_ target: String, count: Int = 1, isPrivate: Bool = false) throws -> String? {
            RedirectRules.violation(from: first, to: try DownloadAddress(target), count: count, isPrivate: isPrivate)?
                .description
        }
        #expect(try message("https://cdn.example/f") == nil)
        #expect(try message("http://cdn.example/f")?.contains("not encrypted") == true)
        #expect(try message("https://internal/f", isPrivate: true)?.contains("private network") == true)
        #expect(try message("https://cdn.example/f", count: 6)?.contains("more than 5 times") == true)
    }

    @Test func privateAddressesAreKnown() {
        for address: UInt32 in [
            0x7F00_0001, 0x0A01_0203, 0xAC10_0001, 0xC0A8_0101, 0xA9FE_A9FE, 0x6440_0001, 0xE000_0001, 0,
        ] {
            #expect(PrivateAddress.isPrivate(ipv4: address))
        }
        for address: UInt32 in [0x0808_0808, 0xAC20_0001, 0x6480_0001] {
            #expect(!PrivateAddress.isPrivate(ipv4: address))
        }
        func ipv6(_ head: [UInt8], _ tail: [UInt8] = []) -> [UInt8] {
            head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
        }
        #expect(PrivateAddress.isPrivate(ipv6: ipv6([], [1])) && PrivateAddress.isPrivate(ipv6: ipv6([0xFD])))
        #expect(PrivateAddress.isPrivate(ipv6: ipv6([0xFE, 0x80])))
        #expect(PrivateAddress.isPrivate(ipv6: ipv6([], [0xFF, 0xFF, 127, 0, 0, 1])))
        #expect(!PrivateAddress.isPrivate(ipv6: ipv6([0x26, 0x06])))
    }

    @Test func aRecordCountsItsRanges() throws {
        var record = PartRecord(etag: "\"a\"", byteCount: 25, rangeByteCount: 10)
        #expect(record.rangeCount == 3 && record.bounds(of: 2) == 20...24)
        record.done = [0, 2]
        #expect(record.doneByteCount == 15 && record.missing == [1])
        #expect(PartRecord(json: record.json) == record)
        #expect(record.matches(etag: "\"a\"", byteCount: 25) && !record.matches(etag: "\"b\"", byteCount: 25))
        let wrong = [#"{"size":25,"range":0,"done":[]}"#, #"{"size":25,"range":10,"done":[3]}"#, "[]", #"{"size":-1}"#]
        for text in wrong { #expect(PartRecord(json: try JSONParser.parse(Array(text.utf8))) == nil) }
    }

    @Test(arguments: ["bytes 5-4/10", "bytes 0-10/10", "bytes */10", "bytes 0-1/*", "items 0-1/2", ""])
    func wrongContentRangesAreRefused(text: String) { #expect(ContentRange(text) == nil) }

    @Test func pausesDoubleAndTheServersFigureCounts() {
        let policy = RetryPolicy()
        let error = DownloadError(.temporary(after: nil), "x")
        #expect((1...9).map { policy.pause(after: error, failureCount: $0) }.compactMap { $0 }.count == 7)
        #expect(policy.pause(after: error, failureCount: 3) == .seconds(2))
        #expect(
            policy.pause(after: DownloadError(.temporary(after: .seconds(60)), "x"), failureCount: 1) == .seconds(60))
        #expect(policy.pause(after: DownloadError("x"), failureCount: 1) == nil)
    }

    @Test func theMeterKnowsRateAndTimeLeft() {
        let start = ContinuousClock.now
        var meter = ProgressMeter(doneByteCount: 0, totalByteCount: 2_000, at: start)
        meter.resume(1_000, at: start)
        #expect(meter.fraction == 0.5 && meter.timeLeft(at: start) == nil)
        for second in 1...4 { meter.add(100, at: start + .seconds(second)) }
        #expect(meter.rate(at: start + .seconds(4)) == 100)
        #expect(meter.timeLeft(at: start + .seconds(4)) == .seconds(6))
    }

    private let files = [
        "m-Q4_0.gguf", "m-Q4_K_M.gguf", "sub/m-Q8_0.gguf", "mmproj-F16.gguf", "README.md", "imatrix.gguf",
    ]
    .map { HubFile(path: $0, byteCount: 1, digest: nil, blob: "x") }

    private func choose(_ text: String, file: String? = nil) -> String {
        guard let reference = HubReference(text) else { return "no reference" }
        do throws(DownloadError) {
            let choice = try Hub.choose(files, reference, file: file)
            return (choice.model + [choice.projector].compactMap { $0 }).map(\.path).joined(separator: " ")
        } catch {
            return error.description
        }
    }

    @Test func filesAreChosenByQuantization() {
        #expect(choose("a/b") == "m-Q4_K_M.gguf mmproj-F16.gguf")
        #expect(choose("a/b:q8_0") == "sub/m-Q8_0.gguf mmproj-F16.gguf")
        #expect(choose("a/b:Q4") == "a/b has no file with Q4; it has Q4_0, Q4_K_M, Q8_0")
        #expect(choose("a/b", file: "m-Q4_0.gguf").hasPrefix("m-Q4_0.gguf"))
        #expect(choose("a/b", file: "m-Q4_1.gguf") == "a/b has no file 'm-Q4_1.gguf'; did you mean 'm-Q4_0.gguf'?")
    }

    @Test func entriesThatLeadOutOfTheFolderAreLeftOut() throws {
        let hash = String(repeating: "a", count: 64)
        let paths = ["../x.gguf", "/x.gguf", "a//x.gguf", "a/./x", "ok/x.gguf", "a\\u0000b"]
        let list = paths.map { #"{"type":"file","path":"\#($0)","oid":"\#(hash)","size":1}"# }.joined(separator: ",")
        #expect(Hub.files(try JSONParser.parse(Array("[\(list)]".utf8))).map(\.path) == ["ok/x.gguf"])
        #expect(Hub.files(try JSONParser.parse(Array(#"[{"type":"file","path":"x","oid":"../y"}]"#.utf8))).isEmpty)
    }

    @Test func aFolderThatDoesNotExistYetHasTheSpaceOfItsDisk() {
        #expect((DiskSpace.available(in: "/no such folder/hub/models") ?? 0) > 0)
        #expect(DiskSpace.available(in: "") == nil)
    }
}
