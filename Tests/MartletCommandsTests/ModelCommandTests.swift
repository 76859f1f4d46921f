import Foundation
import MartletDownloads
import MartletGGUF
import MartletJSON
import MartletModels
import Synchronization
import Testing

@testable import MartletCommands

@Suite struct ModelCommandTests {
    private static let fledgling =
        #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } + "/Models/fledgling.Q8_0.gguf"

    private func item(_ path: String) throws -> ModelListing.Item {
        var sources = ModelSources()
        sources.files = [path]
        return ModelListing.item(try #require(try sources.registry().models.first))
    }

    @Test func theListHasTheFactsOfTheFile() throws {
        let item = try item(Self.fledgling)
        let lines = ListCommand.table([item]).split(separator: "\n")
        #expect(lines.count == 2 && lines[0].hasPrefix("NAME"))
        #expect(lines[1].contains("fledgling.Q8_0") && lines[1].contains("Q8_0  4096"))
        #expect(lines[1].hasSuffix("ready to load"))
        #expect(item.json["context_length"]?.integerValue == 4_096)
        #expect(item.json["meta"]?["n_ctx_train"]?.integerValue == 4_096)
    }

    @Test func aListThatDiffersFromTheServersSaysSo() {
        let url = "http://127.0.0.1:8080"
        #expect(ListCommand.note(local: ["a"], served: nil, url: url) == nil)
        #expect(ListCommand.note(local: ["a", "b"], served: ["b", "a"], url: url) == nil)
        #expect(
            ListCommand.note(local: ["a", "e"], served: ["a", "b", "c", "d", "f"], url: url)
                == "these are the models of this machine; the server on \(url), which was started with other flags, also has "
                + "b, c, d and 1 more and does not have e; 'martlet ps --all' lists its models")
        #expect(ListCommand.note(local: ["a"], served: [], url: url)?.contains("does not have a;") == true)
    }

    /// llama-server's form, so that scripts read both.
    @Test func theCachedModelsAreListedAsLlamaServerListsThem() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hub-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(ServeCommand.cacheList(folder) == "number of models in cache: 0\n")
        let commit = String(repeating: "ab", count: 20)
        for (name, file) in [("org--tiny", "tiny-Q8_0.gguf"), ("org--big", "big-Q4_K_M.gguf")] {
            let snapshot = "\(folder)/models--\(name)/snapshots/\(commit)"
            try FileManager.default.createDirectory(atPath: snapshot, withIntermediateDirectories: true)
            try FileManager.default.createDirectory(
                atPath: "\(folder)/models--\(name)/refs", withIntermediateDirectories: true)
            try Data(commit.utf8).write(to: URL(filePath: "\(folder)/models--\(name)/refs/main"))
            try FileManager.default.copyItem(atPath: Self.fledgling, toPath: "\(snapshot)/\(file)")
        }
        #expect(
            ServeCommand.cacheList(folder)
                == "number of models in cache: 2\n   1. org/big:Q4_K_M\n   2. org/tiny:Q8_0\n")
    }

    @Test func aFileThatIsNotThereIsListedWithItsReason() throws {
        let item = try item("/nowhere/x.gguf")
        #expect(item.statusText == "is not there" && item.summary == nil)
        #expect(item.json["problem"]?.stringValue == "is not there")
    }

    @Test func theListRemembersHeadsOnDisk() throws {
        let cache = FileManager.default.temporaryDirectory.appending(path: "heads-\(UUID())/heads.json").path
        defer { try? FileManager.default.removeItem(atPath: cache) }
        var sources = ModelSources()
        sources.files = [Self.fledgling]
        let registry = try sources.registry()
        let first = ModelListing(registry, cachePath: cache)
        let text = try #require(FileManager.default.contents(atPath: cache))
        #expect(String(decoding: text, as: UTF8.self).contains("\"qwen3\""))
        let second = ModelListing(registry, cachePath: cache)
        #expect(second.items.map(\.summary) == first.items.map(\.summary))
    }

    @Test func aReportSaysWhetherALoadFits() throws {
        var shape = ModelShape(try GGUFFile.check(Self.fledgling))
        shape.trainedContextLength = 4_096
        let request = LoadRequest(contextLength: 8_192)
        let fitting = LoadReport(shape: shape, request: request, free: .init(host: 1 << 40))
        #expect(fitting.fits && fitting.text.contains("yes; the largest context that fits is 4096 tokens"))
        #expect(fitting.text.contains("the model was trained with 4096 tokens"))
        let scarce = LoadReport(shape: shape, request: request, free: .init(host: 1 << 20))
        #expect(!scarce.fits && scarce.text.contains("NO; no context would fit"))
        #expect(scarce.json["fits"]?.boolValue == false && scarce.json["largest_context_length"] == nil)
        #expect(scarce.json["shares"]?.arrayValue?.count == 1)
    }

    @Test func presetKeysAreFlagsInAnySpelling() {
        for (key, flag) in [
            ("c", "ctx-size"), ("ctx_size", "ctx-size"), ("LLAMA_ARG_CTX_SIZE", "ctx-size"), ("ngl", "n-gpu-layers"),
        ] {
            #expect(PresetKeys.canonical(key) == flag, "\(key)")
        }
        #expect(PresetKeys.canonical("no-mmap") == "no-mmap" && PresetKeys.canonical("nothing") == nil)
    }

    @Test func progressIsALinePerTenthOutsideOfATerminal() {
        let lines = Mutex<[String]>([])
        let display = DownloadDisplay(isTerminal: false) { text in lines.withLock { $0.append(text) } }
        display.show(.began(name: "m\u{7}.gguf"))
        let start = ContinuousClock.now
        var meter = ProgressMeter(doneByteCount: 0, totalByteCount: 1_000, at: start)
        for step in 1...100 {
            meter.add(10, at: start + .seconds(step))
            display.show(.advanced(meter))
        }
        display.finish()
        let shown = lines.withLock { $0 }
        #expect(shown.first == "martlet: downloading m\u{FFFD}.gguf\n")
        #expect(shown.count == 12 && shown.last?.hasPrefix("martlet: 100%") == true)
    }

    @Test func theTimeLeftIsInMinutesAndHours() {
        let start = ContinuousClock.now
        var meter = ProgressMeter(doneByteCount: 0, totalByteCount: 1_000_000, at: start)
        meter.add(1_000, at: start + .seconds(1))
        #expect(DownloadDisplay.text(meter, at: start + .seconds(1)).hasSuffix("16:39 left"))
        meter = ProgressMeter(doneByteCount: 0, totalByteCount: 10_000_000, at: start)
        meter.add(1_000, at: start + .seconds(1))
        #expect(DownloadDisplay.text(meter, at: start + .seconds(1)).hasSuffix("2 h 46 min left"))
    }
}
