import Foundation
import MartletGenerations
import MartletModels
import MartletPool
import MartletTestSupport
import Testing

/// Scans of the sources of models.
@Suite struct PoolScanTests {
    @Test func unknownNamesScanAtMostOnceASecond() async throws {
        let bench = try PoolBench(["a"])
        let end = bench.pool.events.end
        for _ in 0..<100 { #expect(throws: (any Error).self) { try bench.lease("zzz") } }
        #expect(bench.models.scanCount == 1)
        bench.clock.advance(by: .seconds(1))
        for _ in 0..<100 { #expect(throws: (any Error).self) { try bench.lease("zzz") } }
        #expect(bench.models.scanCount == 2)
        #expect(bench.pool.events.end == end, "nothing has changed")
        await bench.pool.shutDown()
    }

    /// A real folder: its changes are found without a pause, and only changes are.
    @Test func aChangedFolderIsScannedAtOnce() async throws {
        let folder = NSTemporaryDirectory() + "martlet-scan-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder + "/sub", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // The clocks of some file systems advance in steps of milliseconds.
        for path in [folder + "/sub", folder] {
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: 1_000)], ofItemAtPath: path)
        }
        var sources = ModelSources()
        sources.folder = folder
        let bench = try PoolBench(["a", "b"], stamp: { [sources] in sources.stamp })
        #expect(bench.models.scanCount == 1)
        try bench.pool.scanIfChanged()
        #expect(bench.models.scanCount == 1)
        bench.models.hide("b")
        try bench.pool.rescan()
        #expect(throws: (any Error).self) { try bench.lease("b") }
        #expect(bench.models.scanCount == 2)
        // An unknown name lists nothing again until a folder changes, a sub-folder included.
        bench.models.show("b")
        try Data("GGUF".utf8).write(to: URL(fileURLWithPath: folder + "/sub/b.gguf"))
        #expect(try bench.pool.model(named: "b").name == "b")
        #expect(bench.models.scanCount == 3)
        // A file that grows changes no folder; the comparison at intervals finds it.
        try Data("GGUF and more".utf8).write(to: URL(fileURLWithPath: folder + "/sub/b.gguf"), options: [])
        try bench.pool.scanIfChanged()
        #expect(bench.models.scanCount == 4)
        try bench.pool.scanIfChanged()
        #expect(bench.models.scanCount == 4)
        await bench.pool.shutDown()
    }
}
