import Foundation
import MartletJSON
import OrderedCollections
import Testing

@testable import MartletCommands

@Suite struct ConnectTests {
    private let server = ConnectedServer(
        url: "http://127.0.0.1:8080", model: "a/b:Q4", contextLength: 4_096, key: nil)

    @Test(arguments: ClientSetup.Client.allCases) func eachClientLearnsServerAndModel(client: ClientSetup.Client) {
        let text = ClientSetup(of: client, server).text
        #expect(text.contains("http://127.0.0.1:8080"))
        // Open WebUI lists the models of a server itself.
        #expect(text.contains("a/b:Q4") || client == .openwebui)
        var other = server
        other.key = "it's \"secret\""
        let locked = ClientSetup(of: client, other)
        #expect(locked != ClientSetup(of: client, server))
        for (_, value) in locked.variables where value == other.key {
            #expect(locked.text.contains(#"='it'\''s "secret"'"#))
        }
    }

    @Test func codexHasAProviderForResponses() {
        #expect(
            ClientSetup(of: .codex, server).text == """
                # ~/.codex/config.toml
                model = "a/b:Q4"
                model_provider = "martlet"
                model_context_window = 4096

                [model_providers.martlet]
                name = "Martlet"
                base_url = "http://127.0.0.1:8080/v1"
                wire_api = "responses"

                """)
    }

    private func withHome(_ body: (String) throws -> Void) throws {
        let home = FileManager.default.temporaryDirectory.appending(path: "home-\(UUID())").path
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: home) }
        try body(home)
    }

    @Test func aFileIsMadeWithItsFolders() throws {
        try withHome { home in
            for client in ClientSetup.Client.allCases {
                guard let file = ClientSetup(of: client, server).file else { continue }
                let path = try SetupWriter.write(file, in: home)
                let text = try String(contentsOfFile: path, encoding: .utf8)
                switch file.content {
                case .lines(let lines): #expect(text == lines)
                case .json(let members): #expect(try JSONParser.parse(Array(text.utf8)) == .object(members))
                }
                // The same configuration changes nothing.
                #expect(try SetupWriter.write(file, in: home) == path)
                #expect(!FileManager.default.fileExists(atPath: path + SetupWriter.backupSuffix))
            }
        }
    }

    @Test func existingJSONIsMergedAndKept() throws {
        try withHome { home in
            let file = try #require(ClientSetup(of: .claude, server).file)
            let path = home + "/" + file.path
            try FileManager.default.createDirectory(
                atPath: home + "/.claude", withIntermediateDirectories: true)
            let old = #"{"theme":"dark","env":{"A":"1","ANTHROPIC_MODEL":"x"}}"#
            try old.write(toFile: path, atomically: true, encoding: .utf8)
            _ = try SetupWriter.write(file, in: home)
            let value = try JSONParser.parse(Array(try Data(contentsOf: URL(filePath: path))))
            #expect(
                value["theme"] == "dark" && value["env"]?["A"] == "1" && value["env"]?["ANTHROPIC_MODEL"] == "a/b:Q4")
            #expect(try String(contentsOfFile: path + SetupWriter.backupSuffix, encoding: .utf8) == old)
        }
    }

    @Test(arguments: [(ClientSetup.Client.codex, "model = \"x\"\n"), (.zed, "// a comment\n{}")])
    func aFileThatCannotBeMergedIsLeftAlone(client: ClientSetup.Client, old: String) throws {
        try withHome { home in
            let file = try #require(ClientSetup(of: client, server).file)
            let path = home + "/" + file.path
            try FileManager.default.createDirectory(
                atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            try old.write(toFile: path, atomically: true, encoding: .utf8)
            #expect(throws: SettingError.self) { try SetupWriter.write(file, in: home) }
            #expect(try String(contentsOfFile: path, encoding: .utf8) == old)
        }
    }
}
