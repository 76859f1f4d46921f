import Foundation
import Testing

@testable import MartletEngine

@Suite struct LoadSharesTests {
    @Test func theProgressOfTwoModelsIsWeightedByTheirBytes() {
        let shares = LoadShares(modelBytes: 6, draftBytes: 2)
        #expect(shares.progress(ofModel: 0.5) == 0.375 && shares.progress(ofModel: 1) == 0.75)
        #expect(shares.progress(ofDraft: 0) == 0.75 && shares.progress(ofDraft: 1) == 1)
        #expect(LoadShares(modelBytes: 6, draftBytes: 0).progress(ofModel: 1) == 1)
        // Files that are not there have no bytes; the load itself reports them.
        #expect(LoadShares(model: "/nowhere/a.gguf", draft: nil).progress(ofModel: 1) == 1)
    }

    @Test func thePartsOfASplitModelCountTogether() throws {
        let folder = NSTemporaryDirectory() + "martlet-shares-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for (name, count) in [("m-00001-of-00002", 100), ("m-00002-of-00002", 200), ("draft", 100)] {
            try Data(count: count).write(to: URL(fileURLWithPath: "\(folder)/\(name).gguf"))
        }
        let shares = LoadShares(model: folder + "/m-00001-of-00002.gguf", draft: folder + "/draft.gguf")
        #expect(shares.model == 0.75)
    }
}
