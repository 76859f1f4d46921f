import Foundation
import MartletModels
import Testing

/// Facts of files without reading them.
@Suite struct ModelFileFactsTests {
    /// A folder that exists for one call.
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "martlet-facts-\(UInt64.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder + "/blobs", withIntermediateDirectories: true)
        try body(folder)
    }

    @Test func sizeAndTimeAreThoseOfAllParts() throws {
        try withFolder { folder in
            for (name, count, seconds) in [("one", 3, 1_000.0), ("two", 4, 2_000.0)] {
                let path = "\(folder)/\(name)"
                _ = FileManager.default.createFile(
                    atPath: path, contents: Data(count: count),
                    attributes: [.modificationDate: Date(timeIntervalSince1970: seconds)])
            }
            let facts = try #require(ModelFileFacts(paths: [folder + "/one", folder + "/two"]))
            #expect(facts.byteCount == 7 && facts.modified == 2_000 && facts.digest == nil)
            #expect(ModelFileFacts(paths: [folder + "/one", folder + "/three"]) == nil)
            #expect(ModelFileFacts(paths: []) == nil)
        }
    }

    @Test func aLinkIntoTheCacheNamesTheDigest() throws {
        try withFolder { folder in
            let digest = String(repeating: "0aF3", count: 16)
            _ = FileManager.default.createFile(atPath: "\(folder)/blobs/\(digest)", contents: Data(count: 5))
            try FileManager.default.createSymbolicLink(
                atPath: folder + "/model.gguf", withDestinationPath: "blobs/\(digest)")
            #expect(ModelFileFacts(paths: [folder + "/model.gguf"])?.digest == digest.lowercased())
            _ = FileManager.default.createFile(atPath: "\(folder)/\(digest)", contents: Data(count: 5))
            let plain = "\(folder)/\(digest)"
            #expect(ModelFileFacts(paths: [plain])?.digest == nil)
        }
    }
}
