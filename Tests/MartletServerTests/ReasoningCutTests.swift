import Foundation
import MartletJSON
import MartletProtocol
import MartletServer
import MartletTestSupport
import Testing

/// Reasoning that a command ends, with the templates of many models: the forced text must parse as the end of the
/// reasoning, at every position.
@Suite struct ReasoningCutTests {
    /// Templates are in a folder next to the project; without it the test has one template.
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("../shared/chat-templates/templates").standardized

    private static let names: [String] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return files.filter { $0.hasSuffix(".jinja") }.sorted() + ["fledgling"]
    }()

    private static func source(_ name: String) throws -> String {
        let file =
            name == "fledgling"
            ? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().appendingPathComponent("tools/fledgling/chat_template.jinja")
            : folder.appendingPathComponent(name)
        return try String(contentsOf: file, encoding: .utf8)
    }

    /// Reasoning token by token: with characters of several bytes, line breaks and text that resembles delimiters.
    private static let reasoning = [
        "The", " user", " asks", " for", " 3", " +", " 4", ".", "\n", "Größe", " 世", "界", " <", "b", ">", " so", " 3",
        " <", " 4", ",", " \"", "x", "\"", "\n\n", "Result", ":", " 7", ".",
    ]
    private static let contentTokens = ["3", " +", " 4", " =", " 7"]

    @Test(arguments: names) func nothingOfTheDelimitersIsLeftOver(name: String) async throws {
        let template = try Self.source(name)
        try await TestServer.run {
            $0.chatTemplate = template
        } body: { server async throws in
            // Some templates refuse such a short chat, others have no reasoning.
            let (probe, head) = try await server.stream(chat(stream: true, #","enable_thinking":true"#))
            guard head.status == 200 else { return }
            let first = await server.engine.request(0)
            server.engine.finish(first.handle)
            _ = try await probe.readEvents()
            guard let rule = first.reasoning else { return }
            let opening = rule.isOpen ? [] : [rule.start]
            for count in [0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 15, 17, 23, 24, Self.reasoning.count] {
                try await cut(behind: opening + Self.reasoning.prefix(count), rule, server, name)
            }
        }
    }

    private func cut(
        behind tokens: [String], _ rule: ReasoningRule, _ server: TestServer, _ name: String
    ) async throws {
        let index = server.engine.requests.count
        let commandCount = server.engine.commands.count
        let (connection, head) = try await server.stream(chat(stream: true, #","enable_thinking":true"#))
        #expect(head.status == 200)
        let handle = await server.engine.request(index).handle
        for token in tokens { server.engine.step([handle], text: token) }
        let role = try #require(try await connection.readEvent())
        let id = try #require(try json(String(role.dropFirst(6)))["id"]?.stringValue)
        async let reply = server.send(
            "POST", "/v1/generations/\(id)/control", body: #"{"action":"reasoning_end","message":" Enough."}"#)
        let command = await server.engine.command(commandCount)
        server.engine.send([
            EngineEvent(handle, .controlled(command.number, .applied(.reasoningEnded(tokens: 9), token: tokens.count)))
        ])
        #expect(try await reply.head.status == 200)
        // The forced text, split as a vocabulary may split it.
        for text in [" Enough."] + Self.pieces(of: rule.closing) + Self.contentTokens {
            server.engine.step([handle], text: text)
        }
        server.engine.finish(handle)

        var content = ""
        var reasoning = ""
        for event in try await connection.readEvents() where event.hasPrefix("data: {") {
            let delta = try json(String(event.dropFirst(6)))["choices"]?.arrayValue?.first?["delta"]
            content += delta?["content"]?.stringValue ?? ""
            reasoning += delta?["reasoning_content"]?.stringValue ?? ""
        }
        let expected = tokens.dropFirst(rule.isOpen ? 0 : 1).joined() + " Enough."
        #expect(content == Self.contentTokens.joined(), "\(name) behind \(tokens.count)")
        #expect(
            reasoning.trimmingCharacters(in: .whitespacesAndNewlines)
                == expected.trimmingCharacters(in: .whitespacesAndNewlines), "\(name) behind \(tokens.count)")
    }

    private static func pieces(of text: String) -> [String] {
        var rest = text[...]
        var pieces: [String] = []
        while !rest.isEmpty {
            pieces.append(String(rest.prefix(3)))
            rest = rest.dropFirst(3)
        }
        return pieces
    }
}
