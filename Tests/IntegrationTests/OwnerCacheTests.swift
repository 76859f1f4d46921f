import Foundation
import MartletJSON
import MartletPlatform
import MartletTestSupport
import Testing

/// Cached prompts of many owners at the real server, under the pressure of a small KV cache.
@Suite(.serialized, .timeLimit(.minutes(15))) struct OwnerCacheTests {
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

    /// The number of cached prompts on disk that are more than twice as large as the smallest one: those of second turns.
    private static func longPromptCount(_ folder: String) throws -> Int {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".kvstate") }
        // A longer prompt may replace a file meanwhile.
        let sizes = names.compactMap { name in
            try? FileManager.default.attributesOfItem(atPath: folder + "/" + name)[.size] as? Int
        }
        return sizes.count { $0 > 2 * (sizes.min() ?? 0) }
    }

    /// Ends the worker as `--sleep-idle-seconds` does.
    private static func unload(_ server: Server) async throws {
        let headers = [("Authorization", "Bearer \(key(0))")]
        let connection = try await server.connect()
        try await connection.send("GET", "/v1/models", headers: headers)
        _ = try await connection.readHead()
        let list = try JSONParser.parse(Array(try await connection.readBody().utf8))
        let name = try #require(list["data"]?.arrayValue?.first?["id"])
        let body: JSONValue = ["model": name]
        try await connection.send("POST", "/models/unload", headers: headers, body: body.text)
        #expect(try await connection.readHead().status == 200)
        try await connection.close()
    }

    /// The tokens that two prompts have in common.
    private static func overlap(_ first: String, _ second: String, _ server: Server) async throws -> Int64 {
        let (one, other) = (try await tokens(first, server), try await tokens(second, server))
        return Int64(zip(one, other).prefix { $0 == $1 }.count)
    }

    /// Owners send their next turn and the prompt of another owner.
    ///
    /// - Returns: the tokens that were reused for the owners' own prompts.
    private static func probe(_ owners: [Int], turns: Int, _ server: Server) async throws -> Int64 {
        var reused: Int64 = 0
        for owner in owners {
            let next = prompt(owner, turns: turns)
            let own = try await completion(next, owner: owner, server)
            let cached = try #require(own["timings"]?["cache_n"]?.integerValue)
            let common = try await overlap(next, prompt(owner, turns: turns - 1), server)
            // The output of the turn before may continue the prompt by chance.
            #expect(cached <= common + 4, "owner \(owner)")
            let computed = try #require(own["timings"]?["prompt_n"]?.integerValue)
            let count = try await tokens(next, server).count
            #expect(Int64(count) == cached + computed)
            reused += cached

            // This prompt is cached, for the owner of the canary only. Each probe has another victim.
            let victim = owner + turns
            let stolen = prompt(victim, turns: 0)
            let foreign = try await completion(stolen, owner: owner, server)
            var limit = try await overlap(stolen, next, server)
            for earlier in owner + 1..<victim {
                limit = max(limit, try await overlap(stolen, prompt(earlier, turns: 0), server))
            }
            for figure in [foreign["timings"]?["cache_n"], foreign["timings"]?["cache"]?["matched"]] {
                let figure = try #require(figure?.integerValue)
                #expect(figure <= limit, "owner \(owner) reuses \(victim)")
            }
            // The first token of a hit comes sooner. Without a hit as many tokens are computed as the prompt has left.
            let stolenCount = try await tokens(stolen, server).count
            let computedCount = try #require(foreign["timings"]?["prompt_n"]?.integerValue)
            #expect(computedCount >= Int64(stolenCount) - limit)
            let shown = foreign["timings"]?["cache"]?["difference"]?["cached"]?.stringValue ?? ""
            #expect(!shown.contains(canary(victim)))
        }
        return reused
    }

    /// A killed worker, sleep and a restart of the server: cached prompts come back from files, to their owners only.
    @Test func noCanaryCrossesOwnersOverKillsSleepAndRestarts() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "owners-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let arguments = [
            "--kv-unified", "--ctx-size", "2048", "--parallel", "4", "--cache-disk", folder,
            "--sleep-idle-seconds", "3600",
        ]
        let probed = Array(stride(from: 0, to: Self.ownerCount - 4, by: 11))
        try await Self.withKeys(arguments) { server in
            // Eight at a time: more than there are slots and room.
            for first in stride(from: 0, to: Self.ownerCount, by: 8) {
                try await withThrowingTaskGroup { group in
                    for owner in first..<first + 8 {
                        group.addTask {
                            let reply = try await Self.completion(Self.prompt(owner, turns: 0), owner: owner, server)
                            #expect(reply["timings"]?["cache_n"] == 0, "owner \(owner)")
                        }
                    }
                    try await group.waitForAll()
                }
            }
            // The first prompts are shorter than the chunk that a reuse is rounded to.
            _ = try await Self.probe(probed, turns: 1, server)
            // Prompts are written when they leave the KV cache, or when the worker is idle.
            try await server.wait { try Self.longPromptCount(folder) >= 4 }

            let worker = try await server.worker()
            kill(worker, SIGKILL)
            try await server.wait { try await !server.workers().contains(worker) }
            let reused2 = try await Self.probe(probed, turns: 2, server)
            #expect(reused2 > 0)

            // The worker ends; the next request starts another one.
            let asleep = try await server.worker()
            try await Self.unload(server)
            try await server.wait { try await !server.workers().contains(asleep) }
            let reused3 = try await Self.probe(probed, turns: 3, server)
            #expect(reused3 > 0)
        }
        try await Self.withKeys(arguments) { server in
            let reused4 = try await Self.probe(probed, turns: 4, server)
            #expect(reused4 > 0)
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
