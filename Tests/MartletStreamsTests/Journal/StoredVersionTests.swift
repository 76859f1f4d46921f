import Foundation
import MartletProtocol
import MartletTestSupport
import Testing

@testable import MartletStreams

/// Journals of every format version that was ever written, which every later build reads.
///
/// Each has all kinds of records with random values, of 1, 2 and 3 choices. The journals of version 3 were written by
/// the last build of that version. `MARTLET_JOURNAL_SAMPLES` has their upgrades added to the test data
/// (`Journal/design.md`).
@Suite(.timeLimit(.minutes(15))) struct StoredVersionTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Journals")
    private let scratch: JournalTests.ScratchFolder
    init() throws { scratch = try JournalTests.ScratchFolder() }

    static func bytes(version: UInt16, choices: Int) throws -> [UInt8] {
        Array(try Data(contentsOf: folder.appendingPathComponent("\(version)/random-\(choices).journal")))
    }

    private static func read(_ bytes: [UInt8]) throws -> JournalReader.Result {
        try JournalReader.read(JournalBytes(bytes))
    }

    static func ends(_ bytes: [UInt8]) -> [Int] {
        var ends = [JournalFormat.headerByteCount]
        while let start = ends.last, start < bytes.count {
            let count = JournalFormat.number(bytes[start..<(start + 4)], as: UInt32.self)
            ends.append(start + JournalFormat.recordHeaderByteCount + Int(count))
        }
        return ends
    }

    @Test(arguments: 1...3) func oldJournalIsUpgradedByteForByte(choices: Int) throws {
        let old = try Self.bytes(version: 3, choices: choices)
        var before = try Self.read(old)
        #expect(before.version == 3)
        #expect(before.damage == nil)
        let id = try #require(before.generation?.head.log.id)
        let path = scratch.folder.file(of: id)
        try Data(old).write(to: URL(filePath: path))
        let after = try scratch.folder.upgrade(id)
        #expect(after.version == 4)
        #expect(after.damage == nil)
        let new = Array(try Data(contentsOf: URL(filePath: path)))
        // Everything but the size is the same.
        before.generation?.extent.byteCount = new.count
        #expect(after.generation == before.generation)
        if let tests = ProcessInfo.processInfo.environment["MARTLET_JOURNAL_SAMPLES"] {
            let samples = URL(filePath: "\(tests)/MartletStreamsTests/Journals/\(JournalFormat.version)")
            try FileManager.default.createDirectory(at: samples, withIntermediateDirectories: true)
            // An existing sample is never replaced.
            try? Data(new).write(
                to: samples.appendingPathComponent("random-\(choices).journal"), options: .withoutOverwriting)
        }
        #expect(try new == Self.bytes(version: 4, choices: choices))
        #expect(try SystemDisk().entries(of: scratch.folder.path + "/aside").isEmpty)
    }

    @Test(arguments: [3, 4] as [UInt16]) func tornEndLeavesTheRecordsBeforeIt(version: UInt16) throws {
        let bytes = try Self.bytes(version: version, choices: 2)
        let ends = Self.ends(bytes)
        for count in stride(from: 0, to: bytes.count, by: 97) {
            let result = try Self.read(Array(bytes[..<count]))
            let good = ends.last { $0 <= count } ?? 0
            #expect(result.generation?.extent.byteCount ?? 0 == (good > ends[0] ? good : 0))
            #expect((result.damage == nil) == (count == good && good > ends[0]), "\(count)")
        }
    }

    /// A later build may add a field to any message.
    @Test func unknownFieldsAreSkipped() throws {
        let bytes = try Self.bytes(version: 4, choices: 1)
        let known = try #require(try Self.read(bytes).generation)
        var records = CurrentRecords()
        var longer = JournalFormat.header
        var sequence: UInt32 = 0
        while case .record(let kind, let payload) = try records.next(in: JournalBytes(bytes)) {
            JournalFormat.append(kind, sequence: sequence, to: &longer) { $0 += Self.withUnknownFields(payload) }
            sequence += 1
        }
        var read = try Self.read(longer)
        #expect(read.damage == nil)
        let inputs = try #require(read.generation?.inputs)
        #expect(Array(inputs) == Array(known.inputs))
        read.generation?.extent = known.extent
        #expect(read.generation?.request == known.request)
        #expect(read.generation?.head == known.head)
    }

    /// A varint, 8 bytes, a text and 4 bytes behind all known fields of a record.
    private static func withUnknownFields(_ payload: ArraySlice<UInt8>) -> [UInt8] {
        var bytes = Array(payload)
        JournalFieldWriter.append(to: &bytes) { writer in
            writer.scalar(2_000, UInt64.max)
            writer.message(2_002) { $0.scalar(1, "new") }
            writer.scalar(2_003, Float(1))
        }
        return bytes + [0xA1, 0x7D] + [UInt8](repeating: 1, count: 8)
    }

    @Test func unknownRecordIsSkippedOrKeptForANewerBuild() throws {
        let bytes = try Self.bytes(version: 4, choices: 1)
        let ends = Self.ends(bytes)
        let known = try #require(try Self.read(bytes).generation)
        for (kind, isSkipped) in [(128, true), (255, true), (10, false), (127, false)] as [(UInt8, Bool)] {
            // Behind the terminal event, which no other record may follow.
            var longer = bytes
            JournalFormat.append(kind, sequence: UInt32(ends.count - 1), to: &longer) { $0 += [1, 2, 3] }
            let result = try Self.read(longer)
            #expect(result.needsNewerBuild == !isSkipped, "\(kind)")
            #expect((result.damage == nil) == isSkipped, "\(kind)")
            #expect(result.generation?.extent.byteCount == (isSkipped ? longer.count : bytes.count))
            #expect(result.generation.map { Array($0.inputs) } == Array(known.inputs))
        }
    }

    @Test(
        arguments: [
            (5, 0, "version 5"), (9, 7, "version 9"), (4, 1, "features"), (4, 0x8000, "features"),
        ] as [(UInt16, UInt16, String)])
    func journalOfANewerBuildIsKeptAndComesBack(version: UInt16, features: UInt16, words: String) throws {
        let bytes = try Self.bytes(version: 4, choices: 1)
        let newer = JournalFormat.header(version: version, features: features) + bytes.dropFirst(12)
        let id = String(repeating: "1", count: 32)
        let path = scratch.folder.file(of: id)
        try Data(newer).write(to: URL(filePath: path))
        let result = try scratch.folder.read(id)
        #expect(result.needsNewerBuild)
        #expect(result.version == version)
        #expect(result.damage?.contains(words) == true)
        #expect(result.generation == nil)
        let kept = try scratch.folder.setAsideForNewerBuild(id)
        #expect(try scratch.folder.ids().isEmpty)
        try scratch.folder.removeAside(before: .max)
        try scratch.folder.restoreKept()
        #expect(Array(try Data(contentsOf: URL(filePath: kept))) == newer)
        // The same file under a build that reads it.
        try Data(bytes).write(to: URL(filePath: kept))
        try scratch.folder.restoreKept()
        #expect(try scratch.folder.ids() == [id])
        #expect(Array(try Data(contentsOf: URL(filePath: path))) == bytes)
    }

    @Test func journalOfAnUnknownOldVersionIsNotKeptForANewerBuild() throws {
        for (version, features) in [(1, 1), (2, 4), (3, 6), (3, 8)] as [(UInt16, UInt16)] {
            let bytes = JournalFormat.header(version: version, features: features) + [1, 2, 3]
            let result = try Self.read(bytes)
            #expect(!result.needsNewerBuild)
            #expect(result.damage?.contains("version \(version).\(features)") == true)
        }
    }

    @Test func valueOfANewerBuildKeepsTheJournal() throws {
        var random = SeededGenerator(seed: 1)
        var event = SampleFrames.event(&random)
        event.handle = GenerationHandle(rawValue: 0)
        var bytes = JournalFormat.header
        let head = JournalRecord.head(JournalHead(GenerationSpec()), at: 1)
        JournalFormat.append(.head, sequence: 0, to: &bytes) { bytes in
            JournalFieldWriter.append(to: &bytes) { head.write(to: &$0) }
        }
        let good = bytes.count
        JournalFormat.append(.events, sequence: 1, to: &bytes) { bytes in
            JournalFieldWriter.append(to: &bytes) { writer in
                writer.scalar(1, Int64(2))
                writer.message(JournalRecord.eventField) { $0.message(12) { $0.scalar(1, "later") } }
            }
        }
        let result = try Self.read(bytes)
        #expect(result.needsNewerBuild)
        #expect(result.damage?.contains("event 12") == true)
        #expect(result.generation?.extent.byteCount == good)
    }
}
