import Foundation
import MartletJSON
import MartletTestSupport
import Testing

/// Cached prompts of many owners at the real server, under the pressure of a small KV cache.
@Suite(.serialized, .timeLimit(.minutes(5))) struct OwnerCacheTests {
    private static let ownerCount = 64

    private static func key(_ owner: Int) -> String { "key-of-owner-\(owner)" }

    /// Words that no other owner's prompt contains.
    private static func canary(_ owner: Int) -> String { "canary-\(owner * 7_919 + 13)-\(owner)" }

    /// The beginning that all owners share; what follows belongs to one owner.
    private static let shared =
        "Rules of the house: be brief, be kind, answer in one sentence, and count from one to ten. "

    private static func prompt(_ owner: Int, turns: Int) -> String {
        shared + "The secret is \(canary(owner)). "
            + (0..<turns).map { "Turn \($0) of \(canary(owner)): " + String(repeating: "please go on. ", count: 40) }
            .joined()
    }

    private static func completion(
        _ prompt: String, owner: Int, more: String = "", _ server: Server
    ) async throws -> JSONValue {
        let body = try JSONParser.parse(
            Array(#"{"max_tokens":4,"temperature":0,"explain_cache":true\#(more)}"#.utf8))
        guard case .object(var members) = body else { return .null }
        members["prompt"] = .string(prompt)
        let connection = try await server.connect()
        try await connection.send(
            "POST", "/v1/completions", headers: [("Authorization", "Bearer \(key(owner))")],
            body: JSONValue.object(members).text)
        let head = try await connection.readHead()
        let text = try await connection.readBody()
        try await connection.close()
        #expect(head.status == 200, "\(text)")
        return try JSONParser.parse(Array(text.utf8))
    }

    private static func tokens(_ text: String, _ server: Server) async throws -> [JSONValue] {
        let connection = try await server.connect()
        let body: JSONValue = ["content": .string(text), "add_special": true]
        try await connection.send(
            "POST", "/tokenize", headers: [("Authorization", "Bearer \(key(0))")], body: body.text)
        _ = try await connection.readHead()
        let reply = try JSONParser.parse(Array(try await connection.readBody().utf8))
        try await connection.close()
        return try #require(reply["tokens"]?.arrayValue)
    }

    private static func withKeys(
        _ arguments: [String], _ body: @Sendable (Server) async throws -> Void
    ) async throws {
        let file = NSTemporaryDirectory() + "martlet-keys-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: file) }
        try (0..<ownerCount).map(key).joined(separator: "\n").write(toFile: file, atomically: true, encoding: .utf8)
        // `Server.run` asks /health only, which needs no key.
        try await Server.run(["--api-key-file", file] + arguments, body: body)
    }

    /// No owner reuses a token of another owner, and reuses of its own prompts are counted to the token.
    @Test(arguments: [["--kv-unified"], ["--no-kv-unified"]])
    func noCanaryCrossesOwners(layout: [String]) async throws {
        try await Self.withKeys(layout + ["--ctx-size", "2048", "--parallel", "4"]) { server in
            for owner in 0..<Self.ownerCount {
                let reply = try await Self.completion(Self.prompt(owner, turns: 0), owner: owner, server)
                let timings = reply["timings"]
                // The shared beginning is cached for other owners, and this owner cannot find that out.
                #expect(timings?["cache_n"] == 0, "owner \(owner)")
                #expect(reply["usage"]?["prompt_tokens_details"]?["cached_tokens"] == 0)
                #expect(timings?["cache"]?["matched"] == 0 && timings?["cache"]?["reason"] == "empty")
                #expect(timings?["prompt_n"] == reply["usage"]?["prompt_tokens"])
                #expect(timings?["cache"]?["difference"] == nil)
                let text = reply.text
                for other in 0..<Self.ownerCount where other != owner {
                    #expect(!text.contains(Self.canary(other)), "\(owner) sees \(other)")
                }
            }
            for owner in stride(from: 0, to: Self.ownerCount, by: 7) {
                // Two requests in a row, so that the first is certainly cached.
                let first = try await Self.tokens(Self.prompt(owner, turns: 1), server)
                let second = try await Self.tokens(Self.prompt(owner, turns: 2), server)
                let overlap = zip(first, second).prefix { $0 == $1 }.count
                _ = try await Self.completion(Self.prompt(owner, turns: 1), owner: owner, server)
                let reply = try await Self.completion(Self.prompt(owner, turns: 2), owner: owner, server)
                let cached = try #require(reply["timings"]?["cache_n"]?.integerValue)
                let matched = try #require(reply["timings"]?["cache"]?["matched"]?.integerValue)
                // The output of the first request may continue the prompt by chance.
                #expect(matched >= Int64(overlap) && matched <= Int64(overlap + 4))
                #expect(cached <= matched && cached > 0)
                let computed = try #require(reply["timings"]?["prompt_n"]?.integerValue)
                #expect(cached + computed == Int64(second.count))
            }
        }
    }

    /// With one scope for all keys the shared beginning is reused, but its text is not shown.
    @Test func globalScopeSharesTokensAndNoText() async throws {
        try await Self.withKeys(["--cache-scope", "global", "--ctx-size", "2048"]) { server in
            _ = try await Self.completion(Self.prompt(0, turns: 0), owner: 0, server)
            let reply = try await Self.completion(Self.prompt(1, turns: 0), owner: 1, server)
            #expect(reply["timings"]?["cache_n"]?.integerValue ?? 0 > 0)
            let report = reply["timings"]?["cache"]
            #expect(report?["reason"] == "differs")
            #expect(report?["difference"]?["cached"] == nil)
            #expect(!reply.text.contains(Self.canary(0)))
        }
    }
}
