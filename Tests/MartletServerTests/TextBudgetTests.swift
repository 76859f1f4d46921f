import MartletJSON
import MartletProtocol
import MartletServer
import MartletTestSupport
import Testing

/// Texts without a generation have a budget, which is checked before the engine sees them.
@Suite struct TextBudgetTests {
    private static func run(_ body: (TestServer) async throws -> Void) async throws {
        var information = ModelInformation.fake
        information.embeddingPooling = .mean
        try await TestServer.run(state: .ready(information)) {
            $0.limits.text = TextBudget(byteCount: 200, tokenCount: 20)
        } body: {
            try await body($0)
        }
    }

    private static func text(_ count: Int) -> String { String(repeating: "a", count: count) }

    private static func tokens(_ count: Int) -> String { (0..<count).map { _ in "1" }.joined(separator: ",") }

    @Test(
        arguments: [
            ("/tokenize", "{\"content\":\"\(text(201))\"}", 400, "content"),
            ("/tokenize", "{\"content\":[\"\(text(150))\",1,\"\(text(51))\"]}", 400, "content"),
            ("/tokenize", "{\"content\":[\"a\",\(tokens(21))]}", 400, "content"),
            ("/tokenize", "{\"content\":\"\(text(400))\"}", 413, nil),
            ("/detokenize", "{\"tokens\":[\(tokens(21))]}", 400, "tokens"),
            ("/detokenize", "{\"tokens\":[\(tokens(300))]}", 413, nil),
            ("/v1/embeddings", "{\"input\":[\"\(text(150))\",\"\(text(51))\"]}", 400, "input"),
            ("/embedding", "{\"content\":\"\(text(400))\"}", 413, nil),
            ("/apply-template", chat(stream: false, content: text(400)), 413, nil),
            ("/apply-template", chat(stream: false, content: text(200)), 400, "messages"),
        ] as [(String, String, Int, String?)])
    func textsOverTheBudgetAreRefusedBeforeAnyWork(
        path: String, body: String, status: Int, field: String?
    ) async throws {
        try await Self.run { server async throws in
            let (head, response) = try await server.send("POST", path, body: body)
            #expect(head.status == status, "\(response)")
            #expect(try json(response)["error"]?["param"]?.stringValue == field)
            #expect(server.engine.queryCount == 0)
        }
    }

    @Test(arguments: [
        ("/tokenize", "{\"content\":\"\(text(200))\"}"), ("/detokenize", "{\"tokens\":[\(tokens(20))]}"),
        ("/v1/embeddings", "{\"input\":\"\(text(200))\"}"),
        ("/apply-template", chat(stream: false, content: text(100))),
        ("/v1/chat/completions", chat(stream: true, content: text(5_000))),
    ])
    func textsWithinTheBudgetAreAccepted(path: String, body: String) async throws {
        try await Self.run { server async throws in
            server.engine.setScript(.complete(["a"]))
            #expect(try await server.send("POST", path, body: body).head.status == 200)
        }
    }
}
