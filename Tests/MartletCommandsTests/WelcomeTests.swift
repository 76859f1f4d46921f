import MartletServer
import Testing

@testable import MartletCommands

/// The message of a server that listens.
@Suite struct WelcomeTests {
    @Test func itNamesThePageAndTheAPI() {
        let text = Welcome(addresses: [.loopback], modelName: "small", hasPage: true).text(port: 8080)
        #expect(text.contains("serves small\n  http://127.0.0.1:8080/ is the chat page\n  http://127.0.0.1:8080/v1\n"))
        #expect(!text.contains("Bearer"))
        // A browser reaches no socket.
        let socket = ListenAddress("/tmp/a.sock").map { Welcome(addresses: [$0], modelName: "small", hasPage: true) }
        #expect(socket?.text(port: 0).contains("page") == false)
    }

    @Test func aBuildWithoutThePageDoesNotNameIt() {
        let text = Welcome(addresses: [.loopback], modelName: "small", isEmbedded: true).text(port: 1)
        #expect(!text.contains("page"))
        #expect(text.contains("--model PATH serves your own"))
    }

    @Test func addressesHaveThePrefixOfTheRoutes() throws {
        let welcome = Welcome(
            addresses: [.loopback, try #require(ListenAddress("0.0.0.0"))], modelName: "m", isOpen: false,
            hasPage: true, scheme: "https", pathPrefix: "/llm")
        let lines = welcome.text(port: 9).split(separator: "\n")
        #expect(lines[1] == "  https://127.0.0.1:9/llm/ is the chat page")
        #expect(lines[2] == "  https://127.0.0.1:9/llm/v1" && lines[3] == "  https://127.0.0.1:9/llm/v1")
        #expect(lines[4].contains("9/llm/v1/chat/completions -H 'Authorization: Bearer KEY' -d"))
    }
}
