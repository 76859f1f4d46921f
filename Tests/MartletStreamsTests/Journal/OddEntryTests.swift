import MartletFiles
import MartletPlatform
import MartletProtocol
import Testing

@testable import MartletStreams

/// Odd entries among the journals, and journals of any size.
@Suite(.timeLimit(.minutes(15))) struct OddEntryTests {
    enum Oddity: String, CaseIterable {
        case pipe, folder, fullFolder, link, danglingLink, device, empty

        /// Makes such an entry at `path`.
        func make(_ path: String) {
            switch self {
            case .pipe: mkfifo(path, 0o600)
            case .folder: mkdir(path, 0o700)
            case .fullFolder:
                mkdir(path, 0o700)
                mkdir(path + "/inner", 0o700)
            case .link: symlink("/etc/hostname", path)
            case .danglingLink: symlink("/nowhere/at/all", path)
            case .device: symlink("/dev/zero", path)
            case .empty: close(open(path, O_CREAT | O_WRONLY, 0o600))
            }
        }
    }

    private let scratch: JournalTests.ScratchFolder
    init() throws { scratch = try JournalTests.ScratchFolder() }

    private var aside: [FolderEntry] { get throws { try SystemDisk().entries(of: scratch.folder.path + "/aside") } }

    /// A journal with a head and one token.
    private func write(_ id: String, at time: Int64) throws -> [UInt8] {
        let spec = GenerationSpec(id: id, lifetime: .resumable)
        let journal = OpenJournal(id: id, path: scratch.folder.file(of: id))
        journal.add(.head(JournalHead(spec), at: time))
        journal.add(EngineEvent(GenerationHandle(rawValue: 0), .token(id: 7, text: [0x61])), at: time)
        let bytes = journal.collected()
        try journal.write(syncs: false, use: 1)
        return bytes
    }

    @Test(arguments: Oddity.allCases) func oddEntriesAreSetAsideAndOtherJournalsAreRead(oddity: Oddity) throws {
        let (first, odd, last) = (LogHead.makeID(), LogHead.makeID(), LogHead.makeID())
        _ = try write(last, at: 2_000)
        _ = try write(first, at: 1_000)
        oddity.make(scratch.folder.file(of: odd))
        #expect(try Set(scratch.folder.ids()) == [first, odd, last])
        #expect(scratch.folder.inOrder([last, odd, first]) == [odd, first, last])
        for id in [first, last] { #expect(try scratch.folder.read(id).generation?.tokens == [7]) }
        if oddity == .empty {
            #expect(try scratch.folder.read(odd).generation == nil)
        } else {
            do throws(JournalError) {
                _ = try scratch.folder.read(odd)
                Issue.record("\(oddity) was read")
            } catch {
                #expect(error.isOfTheFile, "\(error)")
                #expect(error.description.contains(odd), "\(error)")
            }
        }
        try scratch.folder.setAside(odd, from: 0)
        #expect(try Set(scratch.folder.ids()) == [first, last])
        #expect(try aside.count == 1)
        // The time of the move counts, not the age of the file.
        try scratch.folder.removeAside(before: Journal.now() / 1_000 - 60)
        #expect(try aside.count == 1)
        if oddity == .fullFolder { rmdir(scratch.folder.path + "/aside/\(odd).journal/inner") }
        try scratch.folder.removeAside(before: .max)
        #expect(try aside.isEmpty)
    }

    @Test func aFolderOfTheSameNameAsideIsNoObstacle() throws {
        let id = LogHead.makeID()
        Oddity.fullFolder.make("\(scratch.folder.path)/aside/\(id).journal")
        _ = try write(id, at: 1_000)
        try scratch.folder.setAside(id, from: 0)
        #expect(try scratch.folder.ids().isEmpty)
        #expect(try aside.count == 2)
        rmdir("\(scratch.folder.path)/aside/\(id).journal/inner")
    }

    @Test func entriesWithOtherNamesAreStrangers() throws {
        let id = LogHead.makeID()
        _ = try write(id, at: 1_000)
        let names: [[UInt8]] = [
            Array("notes".utf8), Array("x.journal".utf8), Array("two\nlines".utf8), [0xFF, 0xFE], Array(".hidden".utf8),
            [UInt8](repeating: 0x61, count: 255), Array("\(id.uppercased()).journal".utf8),
        ]
        for name in names {
            let path = Array((scratch.folder.path + "/streams/").utf8) + name + [0]
            let descriptor = path.map { CChar(bitPattern: $0) }.withUnsafeBufferPointer {
                open($0.baseAddress!, O_CREAT | O_WRONLY, 0o600)
            }
            try #require(descriptor >= 0)
            close(descriptor)
        }
        #expect(try scratch.folder.ids() == [id])
        let unknownEntries = try scratch.folder.unknownEntries()
        #expect(unknownEntries.count == names.count)
        for stranger in unknownEntries {
            #expect(!stranger.description.contains("\n") && stranger.description.utf8.count < 600)
            try scratch.folder.setAside(stranger)
        }
        #expect(try scratch.folder.unknownEntries().isEmpty)
        #expect(try aside.count == names.count)
        #expect(try scratch.folder.read(id).generation?.tokens == [7])
    }

    @Test(arguments: ["lock", "streams"]) func aPipeInPlaceOfLockOrFolderIsNamed(name: String) throws {
        let path = "\(scratch.folder.path)/\(name)"
        rmdir(path)
        Oddity.pipe.make(path)
        defer { unlink(path) }
        do throws(JournalError) {
            try scratch.folder.prepare()
            _ = try scratch.folder.lock()
            Issue.record("a pipe was taken")
        } catch {
            #expect(error.description.contains(path), "\(error)")
        }
    }

    // MARK: Sizes

    /// Counts the bytes that are read.
    private final class CountingSource: JournalSource {
        let bytes: [UInt8]
        let byteCount: Int
        private(set) var readCount = 0

        init(_ bytes: [UInt8], byteCount: Int) {
            self.bytes = bytes
            self.byteCount = byteCount
        }

        func read(at offset: Int, count: Int) -> [UInt8] {
            readCount += count
            let there = bytes.dropFirst(offset).prefix(count)
            return there + [UInt8](repeating: 0, count: min(count, byteCount - offset) - there.count)
        }
    }

    @Test func zerosBehindAJournalCostNothing() throws {
        let good = try write(LogHead.makeID(), at: 1_000)
        let source = CountingSource(good, byteCount: 2 << 30)
        let result = try JournalReader.read(source)
        #expect(result.generation?.extent.byteCount == good.count)
        #expect(result.damage != nil)
        #expect(source.readCount < 200_000)
    }

    @Test func aRecordThatClaimsToBeHugeIsNotRead() throws {
        let good = try write(LogHead.makeID(), at: 1_000)
        let head =
            JournalFormat.bytes(UInt32(JournalFormat.maximumPayloadByteCount + 1)) + [0, 0, 0, 0]
            + [JournalFormat.Kind.events.rawValue] + JournalFormat.bytes(UInt32(2))
        let source = CountingSource(good + head, byteCount: 2 << 30)
        let result = try JournalReader.read(source)
        #expect(result.generation?.extent.byteCount == good.count)
        #expect(result.damage?.contains("more than may be written") == true)
        #expect(source.readCount < 200_000)
    }

    @Test func aHugeFileIsCutAndLittleOfItsEndIsRetained() throws {
        let id = LogHead.makeID()
        let good = try write(id, at: 1_000)
        try #require(truncate(scratch.folder.file(of: id), 2 << 30) == 0)
        let result = try scratch.folder.read(id)
        let stored = try #require(result.generation)
        #expect(result.damage != nil)
        try scratch.folder.setAside(id, from: stored.extent.byteCount)
        #expect(try OpenFile.bytes(of: scratch.folder.file(of: id), upTo: 1 << 20) == good)
        let end = try OpenFile.bytes(of: "\(scratch.folder.path)/aside/\(id).from-\(good.count)", upTo: 2 << 20)
        #expect(end.count == JournalFolder.maximumEndByteCount)
    }

    @Test func recordsAcrossWindowsAreReadWhole() throws {
        let id = LogHead.makeID()
        let journal = OpenJournal(id: id, path: "")
        journal.add(.head(JournalHead(GenerationSpec(id: id)), at: 1))
        var expected: [GenerationInput] = []
        for number in 0..<300 {
            // From a few bytes to more than a window.
            let text = [UInt8](repeating: UInt8(number % 251), count: number * number * number % 70_001)
            let event = EngineEvent(GenerationHandle(rawValue: 0), .token(id: Int32(number), text: text[...]))
            journal.add(event, at: 2)
            expected.append(.engine(event))
            if number % 3 > 0 {
                journal.add(.ping(at: 3))
                expected.append(.ping)
            }
        }
        let result = try JournalReader.read(JournalBytes(journal.collected()))
        #expect(result.damage == nil)
        let stored = try #require(result.generation)
        #expect(Array(stored.inputs) == expected)
        #expect(stored.inputs.last == expected.last)
    }
}
