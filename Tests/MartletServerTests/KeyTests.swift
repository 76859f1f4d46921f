import Logging
import MartletProtocol
import MartletTestSupport
import Testing

@testable import MartletServer

@Suite struct KeyTests {
    @Test(arguments: ["localhost", "127.0.0.1", "127.255.0.9", "::1", "[::1]", "LOCALHOST"])
    func loopbackNeedsNoKey(host: String) throws {
        var configuration = ServerConfiguration()
        configuration.host = host
        try configuration.check()
    }

    @Test(arguments: [
        "0.0.0.0", "::", "192.168.0.1", "box.local", "127.0.0.1.evil.example", "127.0.0", "127.0.0.256", "",
    ])
    func aPublicServerNeedsAKeyOrAnExplicitFlag(host: String) throws {
        var configuration = ServerConfiguration()
        configuration.host = host
        #expect(throws: EdgeServerError.unauthenticated(host: host)) { try configuration.check() }
        var open = configuration
        open.allowsUnauthenticated = true
        try open.check()
        configuration.apiKeys = ["key"]
        try configuration.check()
    }

    @Test func aServerThatWouldBeOpenToOthersDoesNotStart() async throws {
        var configuration = ServerConfiguration()
        configuration.host = "0.0.0.0"
        configuration.port = 0
        configuration.onListening = { _ in Issue.record("it listens") }
        let edge = EdgeServer(
            configuration: configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) {
            FakeEngine($0)
        }
        do {
            try await edge.run(until: [])
            Issue.record("it ran")
        } catch let error as EdgeServerError {
            for word in ["0.0.0.0", "--api-key", "--allow-unauthenticated"] {
                #expect(error.description.contains(word))
            }
            #expect(!error.description.contains("\n"))
        }
    }

    @Test func aFileHoldsKeysLabelsAndComments() {
        var keys = APIKeys()
        let count = keys.append(lines: "# people\n\n  one  # alice\r\ntwo\n\tthree#3 \n#four\n")
        #expect(count == 3)
        #expect(keys.match("one")?.label == "alice")
        #expect(keys.match("two")?.label == "3fc4ccfe")
        #expect(keys.match("three#3") != nil)
        for text in ["", "four", "#four", "alice", "one  # alice", "one "] { #expect(keys.match(text) == nil) }
        #expect(keys.append(lines: "# nothing\n\n") == 0)
    }

    @Test func memoryHoldsNoKey() {
        let keys: APIKeys = ["a-secret-of-mine"]
        var shown = ""
        dump(keys, to: &shown)
        #expect(!shown.contains("a-secret"))
    }
}
