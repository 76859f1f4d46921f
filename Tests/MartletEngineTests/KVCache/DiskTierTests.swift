import Foundation
import Logging
import MartletFiles
import MartletStateFiles
import Testing

@testable import MartletEngine

/// The disk tier has what was written, within its limit, and nothing that is damaged.
@Suite struct DiskTierTests {
    /// A tier in a temporary folder, whose reports are applied by the test.
    fileprivate final class Bench {
        let path = FileManager.default.temporaryDirectory.appending(path: "tier-\(UUID().uuidString)").path
        let lines = LogLines()
        private let reports = Mailbox<DiskTier.Report>()
        private(set) var tier: DiskTier
        private let fingerprint: StateFingerprint
        private let limit: Int

        init(limit: Int = 1 << 20, byte: UInt8 = 1) throws {
            fingerprint = try #require(StateFingerprint(bytes: repeatElement(byte, count: 32)))
            self.limit = limit
            tier = try Self.open(path, limit, fingerprint, lines, reports)
        }

        private static func open(
            _ path: String, _ limit: Int, _ fingerprint: StateFingerprint, _ lines: LogLines,
            _ reports: Mailbox<DiskTier.Report>
        ) throws -> DiskTier {
            try DiskTier(
                DiskCacheSettings(folder: path, byteLimit: limit), fingerprint: fingerprint, kind: .attention,
                logger: lines.logger, post: { reports.post($0) })
        }

        func reopen(_ fingerprint: StateFingerprint? = nil) throws {
            tier.shutdown()
            tier = try Self.open(path, limit, fingerprint ?? self.fingerprint, lines, reports)
        }

        /// Applies the next report.
        func next() -> StoredState? {
            let reports = reports.receive(waits: true)
            precondition(reports.count == 1, "the tests wait for each report")
            return tier.apply(reports[0])
        }

        func write(_ salt: Int32, bytes: Int = 1_000, isPinned: Bool = false) {
            #expect(tier.write(Self.stored(salt, bytes: bytes, isPinned: isPinned)) == .accepted)
            #expect(next() == nil)
        }

        func read(_ salt: Int32) -> StoredState? {
            guard let hit = lookup(salt) else { return nil }
            tier.read(hit.id)
            return next()
        }

        func lookup(_ salt: Int32) -> TierIndex<StateFileName>.Hit? {
            tier.lookup((Self.items(salt) + [7])[...], key: PrefixKey())
        }

        static func items(_ salt: Int32) -> [Int32] { (0..<50).map { $0 * 3 + salt } }

        static func stored(_ salt: Int32, bytes: Int = 1_000, isPinned: Bool = false) -> StoredState {
            StoredState(
                key: .init(scope: 0), items: items(salt), isPinned: isPinned,
                state: (0..<bytes).map { UInt8(truncatingIfNeeded: $0 &+ Int(salt)) },
                checkpoints: [.init(itemCount: 20, bytes: [1, 2, 3])])
        }

        var files: [String] {
            get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
        }

        deinit {
            tier.shutdown()
            try? FileManager.default.removeItem(atPath: path)
        }
    }

    @Test func aPrefixSurvivesARestart() throws {
        let bench = try Bench()
        bench.write(1)
        #expect(bench.read(1) == Bench.stored(1))
        try bench.reopen()
        #expect(bench.lookup(1)?.length == 50)
        #expect(bench.read(1) == Bench.stored(1))
        #expect(bench.lookup(2) == nil)
    }

    @Test func theOldestFilesLeaveFirst() throws {
        let bench = try Bench(limit: 4_500)
        for salt in 1...3 as ClosedRange<Int32> { bench.write(salt) }
        _ = bench.read(1)
        bench.write(4)
        try bench.reopen()
        #expect(bench.lookup(2) == nil)
        for salt in [1, 3, 4] as [Int32] { #expect(bench.lookup(salt) != nil, "salt \(salt)") }
        #expect(bench.tier.index.byteCount <= 4_500)
        #expect(try bench.files.count == 3)
    }

    @Test(arguments: [0, 60, 200, 600, -1]) func aFlippedBitDropsTheEntry(offset: Int) throws {
        let bench = try Bench()
        bench.write(1)
        let file = try bench.path + "/" + #require(bench.files.first)
        let bytes = try Data(contentsOf: URL(filePath: file))
        var changed = bytes
        changed[offset < 0 ? bytes.count + offset : offset] ^= 4
        try changed.write(to: URL(filePath: file))
        #expect(bench.read(1) == nil)
        #expect(bench.lookup(1) == nil)
        bench.tier.shutdown()
        #expect(try bench.files.isEmpty)
        #expect(bench.lines.all.count == 1)
        #expect(bench.tier.droppedCount == 1)
    }

    @Test func damagedAndTruncatedFilesAreDroppedAtStart() throws {
        let bench = try Bench()
        bench.write(1)
        bench.write(2)
        let files = try bench.files.map { bench.path + "/" + $0 }
        try Data("not a state".utf8).write(to: URL(filePath: files[0]))
        try Data(contentsOf: URL(filePath: files[1])).dropLast().write(to: URL(filePath: files[1]))
        try Data("notes".utf8).write(to: URL(filePath: bench.path + "/notes.txt"))
        try bench.reopen()
        #expect(bench.tier.index.count == 0)
        bench.tier.shutdown()
        #expect(try bench.files == ["notes.txt"])
        #expect(bench.lines.all.count == 2)
    }

    @Test func filesOfOtherModelsStayUntilRoomIsNeeded() throws {
        let bench = try Bench(limit: 4_500)
        bench.write(1)
        bench.write(2)
        let other = StateFingerprint(bytes: repeatElement(9, count: 32))
        try bench.reopen(other)
        #expect(bench.lookup(1) == nil)
        bench.write(3)
        bench.write(4)
        try bench.reopen(other)
        #expect(bench.lookup(3) != nil && bench.lookup(4) != nil)
        #expect(try bench.files.count == 3)
        #expect(bench.lines.all.isEmpty)
    }

    @Test func aLongQueueOfTheWriterRefusesFurtherStates() throws {
        let bench = try Bench(limit: .max)
        var accepted = 0
        // The queue has room for one state of any size.
        let large = Bench.stored(1, bytes: 1)
        for salt in 1...3 as ClosedRange<Int32> {
            var stored = large
            stored.items = Bench.items(salt)
            if bench.tier.write(stored) == .accepted { accepted += 1 }
        }
        #expect(accepted == 3)
        var media = large
        media.items = [1, -5, 3]
        #expect(bench.tier.write(media) == .refused)
        bench.tier.shutdown()
    }

    @Test func aFolderThatCannotBeMadeIsAnError() throws {
        let bench = try Bench()
        bench.write(1)
        let file = try bench.path + "/" + #require(bench.files.first)
        #expect(throws: FileError.self) { try Bench.opened(at: file + "/cache") }
    }
}

extension DiskTierTests.Bench {
    fileprivate static func opened(at path: String) throws {
        let fingerprint = try #require(StateFingerprint(bytes: repeatElement(1, count: 32)))
        let tier = try DiskTier(
            DiskCacheSettings(folder: path), fingerprint: fingerprint, kind: .attention, logger: LogLines().logger,
            post: { _ in })
        tier.shutdown()
    }
}
