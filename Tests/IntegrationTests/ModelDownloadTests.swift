import Foundation
import MartletJSON
import MartletPlatform
import MartletTestSupport
import Subprocess
import SystemPackage
import Testing

/// `POST /models` and `DELETE /models` of a real server, whose repository is a server on loopback that does not always tell
/// the truth.
@Suite(.serialized, .timeLimit(.minutes(15))) struct ModelDownloadTests {
    private static let commit = String(repeating: "ab", count: 20)
    private static let presets = "[*]\nctx-size = 512\n[small]\nhf = org/tiny:Q8_0\ntemp = 0\n"

    /// A repository with the demo model, whose second part stalls until `open` is called.
    private final class Repository: Sendable {
        let server: LyingServer
        private let isOpen: LockedValue<Bool>

        init(_ file: [UInt8], lies: Bool) async throws {
            let isOpen = LockedValue(false)
            self.isOpen = isOpen
            // A wrong hash of the right form.
            let hash = String(repeating: "0", count: 64)
            let entry = lies ? #""lfs":{"oid":"\#(hash)","size":\#(file.count)}"# : #""size":\#(file.count)"#
            let oid = String(repeating: "cd", count: 20)
            server = try await LyingServer { request in
                func json(_ text: String) -> LyingServer.Answer {
                    .response(200, [("Content-Length", "\(text.utf8.count)")], Array(text.utf8))
                }
                if request.path == "/api/models/org/tiny/refs" {
                    return json(#"{"branches":[{"name":"main","targetCommit":"\#(commit)"}]}"#)
                }
                if request.path.hasPrefix("/api/models/org/tiny/tree/") {
                    return json(#"[{"type":"file","path":"tiny-Q8_0.gguf","oid":"\#(oid)",\#(entry)}]"#)
                }
                // A repository with presets instead of a model.
                if request.path == "/api/models/org/presets/refs" {
                    return json(#"{"branches":[{"name":"main","targetCommit":"\#(commit)"}]}"#)
                }
                if request.path.hasPrefix("/api/models/org/presets/tree/") {
                    let size = presets.utf8.count
                    return json(#"[{"type":"file","path":"preset.ini","oid":"\#(oid)","size":\#(size)}]"#)
                }
                if request.path.hasSuffix("/preset.ini") { return request.answer(Array(presets.utf8)) }
                guard request.path.hasSuffix("/tiny-Q8_0.gguf") else {
                    return .response(404, [("Content-Length", "0")], [])
                }
                let answer = request.answer(file)
                guard case .response(let status, let headers, let body) = answer, !lies, !isOpen.value else {
                    return answer
                }
                return .stall(status, headers, Array(body.prefix(body.count / 2)))
            }
        }

        /// Lets later requests be answered in full.
        func open() { isOpen.set(true) }
    }

    private static func status(_ model: String, _ server: Server) async throws -> JSONValue? {
        let list = try JSONParser.parse(Array(try await server.get("/v1/models?reload=1").body.utf8))
        return list["data"]?.arrayValue?.first { $0["id"]?.stringValue == model }
    }

    /// Reads the events of `/models/sse` until one has this name.
    private static func read(_ reader: RawConnection, until name: String) async throws -> [JSONValue] {
        var events: [JSONValue] = []
        while let event = try await reader.readEvent() {
            guard let data = event.split(separator: "\n").first(where: { $0.hasPrefix("data: ") }) else { continue }
            let json = try JSONParser.parse(Array(data.dropFirst(6).utf8))
            events.append(json)
            if json["event"]?.stringValue == name { return events }
        }
        return events
    }

    @Test func aModelIsFetchedListedServedAndDeleted() async throws {
        let folder = NSTemporaryDirectory() + "martlet-hub-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder + "/models", withIntermediateDirectories: true)
        let file = [UInt8](try #require(FileManager.default.contents(atPath: ModelsFolder.source)))
        let repository = try await Repository(file, lies: false)
        let environment = [
            "HF_ENDPOINT": "http://127.0.0.1:\(repository.server.port)", "HF_HUB_CACHE": folder + "/hub",
            "LLAMA_CACHE": "", "XDG_CACHE_HOME": folder + "/cache", "HF_HUB_OFFLINE": "0",
        ]
        let arguments = ["--models-dir", folder + "/models", "-c", "1024"]
        try await Server.run(arguments, environment: environment) { server async throws in
            let reader = try await server.connect()
            try await reader.send("GET", "/models/sse")
            #expect(try await reader.readHead().status == 200)
            let begun = try await server.post("/models", ["model": "org/tiny:Q8_0"])
            #expect(begun.status == 200 && begun.body["downloads"] == true)
            // Another request for the same model joins the download.
            #expect(try await server.post("/models", ["model": "org/tiny:Q8_0"]).body["downloads"] == true)
            _ = try await Self.read(reader, until: "download_progress")
            #if os(Linux)
                // The child has the network and its folder: no new rights.
                let child = try await server.worker()
                let text = try String(contentsOfFile: "/proc/\(child)/status", encoding: .utf8)
                #expect(text.contains("NoNewPrivs:\t1"))
                // A child that is killed leaves its part, and the model can be asked for again.
                kill(child, SIGKILL)
                let failed = try await Self.read(reader, until: "download_failed")
                #expect(failed.last?["model"] == "org/tiny:Q8_0")
            #endif
            repository.open()
            #expect(try await server.post("/models", ["model": "org/tiny:Q8_0"]).status == 200)
            let events = try await Self.read(reader, until: "download_finished")
            let fractions = events.compactMap { $0["data"]?["fraction"]?.doubleValue }
            #expect(fractions == fractions.sorted() && fractions.last == 1)
            try await reader.close()
            try await server.wait { try await Self.status("org/tiny:Q8_0", server) != nil }
            let entry = try await Self.status("org/tiny:Q8_0", server)
            #expect(entry?["in_cache"] == true && entry?["can_remove"] == true)
            #expect(try await server.post("/models", ["model": "org/tiny:Q8_0"]).body["downloads"] == false)
            let body: JSONValue = ["model": "org/tiny", "prompt": "2 + 2 =", "max_tokens": 4]
            #expect(try await server.post("/v1/completions", body).status == 200)
            // A loaded model is not deleted; an unloaded one is, with its blob.
            #expect(try await server.request("DELETE", "/models?model=org/tiny:Q8_0").status == 409)
            _ = try await server.post("/models/unload", ["model": "org/tiny:Q8_0"])
            try await server.wait {
                try await Self.status("org/tiny:Q8_0", server)?["status"]?["phase"] == "unloaded"
            }
            let (status, deleted) = try await server.request("DELETE", "/models?model=org/tiny:Q8_0")
            #expect(status == 200 && deleted.contains("\"freed\":\(file.count)"), "\(deleted)")
            #expect(try await server.request("DELETE", "/models?model=org/tiny:Q8_0").status == 404)
            let blobs = try FileManager.default.contentsOfDirectory(atPath: folder + "/hub/models--org--tiny/blobs")
            #expect(!blobs.contains { !$0.hasSuffix(".part") && !$0.hasSuffix(".json") && !$0.hasPrefix(".") })
        }
        await repository.server.shutDown()
    }

    /// Sections of presets name repositories and addresses, whose files the first request fetches.
    @Test func modelsOfPresetsAreFetchedOnDemand() async throws {
        let folder = NSTemporaryDirectory() + "martlet-hub-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let file = [UInt8](try #require(FileManager.default.contents(atPath: ModelsFolder.source)))
        let repository = try await Repository(file, lies: false)
        repository.open()
        let url = "http://127.0.0.1:\(repository.server.port)"
        let presets = """
            [hub]
            hf-repo = org/tiny
            hf-file = tiny-Q8_0.gguf
            [direct]
            model-url = \(url)/files/tiny-Q8_0.gguf
            [drafted]
            hf-repo = org/tiny:Q8_0
            spec-draft-hf = org/tiny:Q8_0
            [gone]
            hf-repo = org/none
            """
        try presets.write(toFile: folder + "/presets.ini", atomically: true, encoding: .utf8)
        let environment = [
            "HF_ENDPOINT": url, "HF_HUB_CACHE": folder + "/hub", "LLAMA_CACHE": "", "XDG_CACHE_HOME": folder + "/cache",
            "HF_HUB_OFFLINE": "0",
        ]
        let arguments = ["--models-preset", folder + "/presets.ini", "-c", "512", "-np", "1"]
        try await Server.run(arguments, environment: environment) { server async throws in
            func complete(_ name: String) async throws -> (status: Int, body: JSONValue) {
                try await server.post(
                    "/v1/completions", ["model": .string(name), "prompt": "2 + 2 =", "max_tokens": 2])
            }
            for name in ["hub", "direct", "drafted"] {
                #expect(
                    try await Self.status(name, server)?["status"]?["phase"]
                        == (name == "drafted" ? "unloaded" : "absent"))
                let (status, body) = try await complete(name)
                #expect(status == 200, "\(name): \(body)")
            }
            // The reason of the download's process is that of the request.
            let (status, body) = try await complete("gone")
            let message = body["error"]?["message"]?.stringValue ?? ""
            #expect(status >= 400 && message.contains("was not downloaded") && message.contains("404"), "\(message)")
        }
        await repository.server.shutDown()
    }

    /// `--hf-repo` of a repository with `preset.ini` serves its sections.
    @Test func aRepositoryOfPresetsIsServed() async throws {
        let folder = NSTemporaryDirectory() + "martlet-hub-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let file = [UInt8](try #require(FileManager.default.contents(atPath: ModelsFolder.source)))
        let repository = try await Repository(file, lies: false)
        repository.open()
        let environment = [
            "HF_ENDPOINT": "http://127.0.0.1:\(repository.server.port)", "HF_HUB_CACHE": folder + "/hub",
            "LLAMA_CACHE": "", "XDG_CACHE_HOME": folder + "/cache", "HF_HUB_OFFLINE": "0",
        ]
        for arguments in [["--hf-repo", "org/presets"], ["--hf-repo", "org/presets", "--offline"]] {
            try await Server.run(arguments + ["-np", "1"], environment: environment) { server async throws in
                let body: JSONValue = ["model": "small", "prompt": "2 + 2 =", "max_tokens": 2]
                let reply = try await server.post("/v1/completions", body)
                #expect(reply.status == 200, "\(reply.body)")
                let entry = try await Self.status("small", server)
                #expect(entry?["context_length"]?.integerValue == 512, "\(entry?.text ?? "")")
            }
        }
        await repository.server.shutDown()
    }

    @Test func aRepositoryThatLiesAboutTheHashLeavesNoModel() async throws {
        let folder = NSTemporaryDirectory() + "martlet-hub-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder + "/models", withIntermediateDirectories: true)
        let repository = try await Repository([UInt8](repeating: 7, count: 10_000), lies: true)
        let environment = [
            "HF_ENDPOINT": "http://127.0.0.1:\(repository.server.port)", "HF_HUB_CACHE": folder + "/hub",
            "LLAMA_CACHE": "", "XDG_CACHE_HOME": folder + "/cache", "HF_HUB_OFFLINE": "0",
        ]
        try await Server.run(["--models-dir", folder + "/models"], environment: environment) { server async throws in
            let reader = try await server.connect()
            try await reader.send("GET", "/models/sse")
            #expect(try await reader.readHead().status == 200)
            #expect(try await server.post("/models", ["model": "org/tiny:Q8_0"]).status == 200)
            let events = try await Self.read(reader, until: "download_failed")
            #expect(events.last?["data"]?["error"]?.stringValue?.contains("was not downloaded") == true)
            try await reader.close()
            #expect(try await Self.status("org/tiny:Q8_0", server) == nil)
            #expect(server.log.text.contains("SHA-256"))
            #expect(try await server.post("/models", ["model": "../x"]).status == 400)
        }
        await repository.server.shutDown()
    }

    /// Through `https_proxy`, `http_proxy` and `no_proxy`; a proxy never receives the token in clear.
    @Test func downloadsGoThroughAProxy() async throws {
        let certificates = MartletProcess.repository.appending("Tests/MartletServerTests/Certificates")
        let script = MartletProcess.repository.appending("Tests/IntegrationTests/Python/proxied_pull.py")
        let result = try await Subprocess.run(
            .path(MartletProcess.repository.appending(".deps/python/bin/python")),
            arguments: [
                script.string, MartletProcess.path.string, certificates.appending("localhost.pem").string,
                certificates.appending("localhost-key.pem").string, ModelsFolder.source,
            ],
            output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        #expect(
            result.standardOutput.hasSuffix("all checks passed\n"), "\(result.standardOutput)\(result.standardError)")
    }
}
