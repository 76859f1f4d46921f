import Dispatch
import MartletFiles
import MartletPlatform
import MartletProtocol
import Synchronization
import Testing

@testable import MartletStreams

/// A clock that stops the thread that reads it.
private final class Brake: Sendable {
    private let isPulled = Atomic(false)
    private let reached = DispatchSemaphore(value: 0)
    private let released = DispatchSemaphore(value: 0)

    func pull() { isPulled.store(true, ordering: .sequentiallyConsistent) }

    func waitUntilReached() { reached.wait() }

    func release() { released.signal() }

    func pass(at time: Int64) -> Int64 {
        if isPulled.exchange(false, ordering: .sequentiallyConsistent) {
            reached.signal()
            released.wait()
        }
        return time
    }
}

/// Journals in real files, in a folder of the test.
@Suite struct JournalTests {
    /// A folder that is removed with the test.
    final class ScratchFolder: Sendable {
        let folder: JournalFolder

        init() throws {
            var template = Array("/tmp/martlet-journal-XXXXXX".utf8CString)
            guard mkdtemp(&template) != nil else { throw JournalError("make", "a folder", FileError(code: errno)) }
            folder = JournalFolder(
                path: String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self) + "/state")
            try folder.prepare()
        }

        deinit {
            for name in ["state/streams", "state/aside"] {
                let path = root + "/" + name
                guard let directory = opendir(path) else { continue }
                while let entry = readdir(directory) {
                    let file = withUnsafeBytes(of: &entry.pointee.d_name) {
                        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                    }
                    if unlink(path + "/" + file) != 0 { rmdir(path + "/" + file) }
                }
                closedir(directory)
                rmdir(path)
            }
            unlink(folder.path + "/lock")
            rmdir(folder.path)
            rmdir(root)
        }

        private var root: String { String(folder.path.dropLast("/state".count)) }

        func bytes(of head: JournalHead) throws -> [UInt8] {
            try OpenFile.bytes(of: folder.file(of: head.log.id), upTo: 1 << 20)
        }

        func read(_ head: JournalHead) throws -> StoredGeneration {
            let result = try folder.read(head.log.id)
            #expect(result.damage == nil)
            return try #require(result.generation)
        }
    }

    private let scratch: ScratchFolder
    init() throws { scratch = try ScratchFolder() }

    private func head() -> JournalHead {
        JournalHead(GenerationSpec(head: LogHead(created: 5, model: "m"), view: NumberedView()))
    }

    private func journal(
        _ durability: Journal.Durability = .write, maximumByteCount: Int = .max, maximumInputCount: Int = 1 << 18,
        onFailure: @escaping @Sendable (String) -> Void = { _ in }
    ) -> Journal {
        Journal(
            folder: scratch.folder, durability: durability, maximumByteCount: maximumByteCount, collectTime: .zero,
            maximumInputCount: maximumInputCount, clock: { 1_000 }, onFailure: onFailure)
    }

    private func handle(_ number: UInt64) -> GenerationHandle { GenerationHandle(rawValue: number) }

    private func request(_ number: UInt64) -> JournalRequest {
        JournalRequest(
            GenerationRequest(handle: handle(number), prompt: Prompt(pieces: [], addsBeginning: true)),
            model: ModelInformation())
    }

    private func token(_ number: UInt64, _ id: Int32) -> EngineEvent {
        EngineEvent(handle(number), .token(id: id, text: [0x61]))
    }

    private func end(_ number: UInt64) -> EngineEvent {
        EngineEvent(handle(number), .finished(GenerationSummary(reason: .tokenLimit, timings: Timings()), text: []))
    }

    private func append(_ journal: Journal, _ events: EngineEvent...) {
        for event in events { journal.append(.engine(event), of: event.handle) }
    }

    @Test(arguments: Journal.Durability.allCases)
    func appendedInputsAreInTheFileAfterAFlush(durability: Journal.Durability) async throws {
        let journal = journal(durability)
        let (first, second) = (head(), head())
        journal.begin(handle(1), first)
        journal.begin(handle(2), second)
        journal.append(request(1))
        append(journal, token(1, 5), token(2, 6), token(3, 7))
        journal.append(.ping, of: handle(1))
        append(journal, token(1, 8))
        append(journal, end(2))
        await journal.flush()
        let stored = try scratch.read(first)
        // The handle is the number of the choice.
        #expect(stored.request == request(0))
        #expect(Array(stored.inputs) == [.engine(token(0, 5)), .ping, .engine(token(0, 8))])
        let other = try scratch.read(second)
        #expect(Array(other.inputs) == [.engine(token(0, 6)), .engine(end(0))])
        #expect(other.isEnded)
        #expect(journal.metrics.open == 1)
        #expect(journal.metrics.lost == 0)
        #expect(try Set(scratch.folder.ids()) == [first.log.id, second.log.id])
        await journal.close()
    }

    @Test func severalChoicesShareAFileUntilTheLastOfThemEnds() async throws {
        var spec = GenerationSpec(head: LogHead(created: 5, model: "m"), view: NumberedView())
        spec.choiceCount = 3
        let head = JournalHead(spec)
        let first = journal()
        first.begin(handle(7), head)
        for choice in 0..<3 {
            var request = request(7 + UInt64(choice))
            request.request.sharedPrefillParent = choice > 0 ? handle(7) : nil
            first.append(request, of: handle(7))
        }
        func append(_ journal: Journal, _ events: EngineEvent...) {
            for event in events { journal.append(.engine(event), of: handle(7)) }
        }
        append(first, token(7, 10), token(8, 20), token(7, 11), end(8), token(9, 30))
        await first.close()
        let stored = try scratch.read(head)
        #expect(!stored.isEnded)
        #expect(stored.numberedInputs.map(\.choice) == [0, 1, 0, 1, 2])
        let rest = try #require(stored.continuations(handle: handle(100)))
        #expect(rest.map(\.handle) == [handle(100), handle(102)])
        #expect(rest.map(\.continuation) == [[10, 11], [30]])
        #expect(rest.allSatisfy { $0.sharedPrefillParent == nil })
        // The next server has other handles.
        let second = journal()
        second.resume(handle(40), stored)
        for event in [end(40), token(42, 31), end(42)] { second.append(.engine(event), of: handle(40)) }
        await second.close()
        let whole = try scratch.read(head)
        #expect(whole.isEnded)
        #expect(whole.numberedInputs.map(\.choice) == [0, 1, 0, 1, 2, 0, 2, 2])
        #expect(whole.tokens == [10, 20, 11, 30, 31])
        #expect(second.metrics.open == 0)
    }

    @Test func oneChoiceThatFailsEndsAll() async throws {
        var spec = GenerationSpec(head: LogHead(created: 5, model: "m"), view: NumberedView())
        spec.choiceCount = 2
        let head = JournalHead(spec)
        let journal = journal()
        journal.begin(handle(1), head)
        journal.append(.engine(EngineEvent(handle(2), .failed(EngineError(.generationFailed, "no")))), of: handle(1))
        await journal.close()
        #expect(try scratch.read(head).isEnded)
    }

    @Test func anotherServerGoesOnInTheSameFile() async throws {
        let head = head()
        let first = journal()
        first.begin(handle(1), head)
        first.append(request(1))
        append(first, token(1, 5))
        await first.close()
        let second = journal()
        second.resume(handle(4), try scratch.read(head))
        append(second, token(4, 6))
        second.append(.handedOver, of: handle(4))
        await second.close()
        let stored = try scratch.read(head)
        #expect(stored.tokens == [5, 6])
        #expect(stored.consecutiveCrashes == 0)
        #expect(stored.inputs.last == .handedOver)
    }

    @Test func onlyTheOwnerMayLook() async throws {
        let journal = journal()
        let head = head()
        journal.begin(handle(1), head)
        await journal.close()
        for (path, mode) in [
            (scratch.folder.path, 0o700), (scratch.folder.path + "/streams", 0o700),
            (scratch.folder.path + "/aside", 0o700),
            (scratch.folder.file(of: head.log.id), 0o600),
        ] {
            var status = stat()
            #expect(lstat(path, &status) == 0)
            #expect(Int(status.st_mode) & 0o777 == mode, "\(path)")
        }
    }

    @Test func aFolderBelongsToOneServer() throws {
        let lock = try scratch.folder.lock()
        let isMine = lock != nil
        #expect(isMine)
        let second = try scratch.folder.lock()
        let isAccepted = second == nil
        #expect(isAccepted)
        _ = consume lock
        let third = try scratch.folder.lock()
        let isFree = third != nil
        #expect(isFree)
    }

    @Test func aDamagedEndIsSetAsideAndTheRestGoesOn() async throws {
        func aside(_ name: String) throws -> [UInt8] {
            try OpenFile.bytes(of: "\(scratch.folder.path)/aside/\(name)", upTo: 1 << 20)
        }
        let head = head()
        let first = journal()
        first.begin(handle(1), head)
        append(first, token(1, 5))
        await first.close()
        let good = try scratch.bytes(of: head)
        let file = try JournalFile(scratch.folder.file(of: head.log.id), for: .appending, on: SystemDisk())
        try file.append([9, 9, 9])
        let read = try scratch.folder.read(head.log.id)
        #expect(read.damage != nil)
        let stored = try #require(read.generation)
        try scratch.folder.setAside(head.log.id, from: stored.extent.byteCount)
        #expect(try scratch.bytes(of: head) == good)
        #expect(try aside("\(head.log.id).from-\(good.count)") == [9, 9, 9])
        try scratch.folder.setAside(head.log.id, from: 0)
        #expect(try scratch.folder.ids().isEmpty)
        #expect(try aside("\(head.log.id).journal") == good)
        try scratch.folder.removeAside(before: .max)
        #expect(throws: FileError.self) { try aside("\(head.log.id).journal") }
    }

    @Test func anUnwritableJournalIsAbandonedAndReported() async throws {
        let problems = Mutex<[String]>([])
        let journal = journal { problem in problems.withLock { $0.append(problem) } }
        rename(scratch.folder.path + "/streams", scratch.folder.path + "/elsewhere")
        for number in 1...3 as ClosedRange<UInt64> {
            journal.begin(handle(number), head())
            append(journal, token(number, 1))
            await journal.flush()
        }
        #expect(journal.metrics.lost == 3)
        #expect(journal.metrics.isFailing)
        #expect(problems.withLock { $0 }.count == 1)
        #expect(problems.withLock { $0 }.first?.contains("No such file") == true)
        rename(scratch.folder.path + "/elsewhere", scratch.folder.path + "/streams")
        let head = head()
        journal.begin(handle(4), head)
        append(journal, token(1, 2), token(4, 2), end(1), end(2), end(3))
        await journal.flush()
        #expect(try scratch.read(head).tokens == [2])
        #expect(!journal.metrics.isFailing)
        #expect(journal.metrics.open == 1)
        #expect(try scratch.folder.ids() == [head.log.id])
        await journal.close()
    }

    @Test func journalsThatOutpaceTheDiskAreAbandonedWithoutAGap() async throws {
        let brake = Brake()
        let journal = Journal(
            folder: scratch.folder, collectTime: .zero, maximumInputCount: 100, clock: { brake.pass(at: 1_000) })
        let (first, second) = (head(), head())
        journal.begin(handle(1), first)
        append(journal, token(1, 5))
        await journal.flush()
        brake.pull()
        journal.begin(handle(2), second)
        brake.waitUntilReached()
        for id: Int32 in 0..<101 { append(journal, token(1, id)) }
        append(journal, token(1, 6), end(2))
        brake.release()
        await journal.flush()
        #expect(journal.metrics.lost == 2)
        // The journal has a prefix of the inputs.
        #expect(try scratch.read(first).tokens == [5])
        // A generation that has ended without its journal must not be continued.
        #expect(try scratch.folder.ids() == [first.log.id])
        append(journal, end(1))
        await journal.flush()
        #expect(try scratch.folder.ids().isEmpty)
        #expect(journal.metrics.open == 0)
        #expect(journal.metrics.fileBytes == 0)
        await journal.close()
    }

    @Test func theOldestThatEndedMakeRoom() async throws {
        let heads = (0..<8).map { _ in head() }
        let limit = 600
        let journal = journal(maximumByteCount: limit)
        for (index, head) in heads.enumerated() {
            let number = UInt64(index) + 1
            journal.begin(handle(number), head)
            append(journal, token(number, 1), end(number))
            await journal.flush()
        }
        let retained = try scratch.folder.ids()
        #expect(retained.count < 8 && retained.count > 2)
        #expect(Set(retained) == Set(heads.suffix(retained.count).map(\.log.id)))
        #expect(journal.metrics.fileBytes <= limit)
        #expect(journal.metrics.lost == 0)
        // Journals of running generations are not removed.
        let running = head()
        journal.begin(handle(20), running)
        append(journal, EngineEvent(handle(20), .token(id: 1, text: [UInt8](repeating: 1, count: 900)[...])))
        await journal.flush()
        #expect(journal.metrics.lost == 1)
        await journal.close()
    }

    @Test func aRemovedJournalIsDeleted() async throws {
        let journal = journal()
        let (running, ended) = (head(), head())
        journal.begin(handle(1), running)
        journal.begin(handle(2), ended)
        append(journal, token(1, 1), end(2))
        await journal.flush()
        journal.remove(running.log.id)
        journal.remove(ended.log.id)
        journal.remove(LogHead.makeID())
        append(journal, token(1, 2))
        await journal.flush()
        #expect(try scratch.folder.ids().isEmpty)
        // The number of records in one write is not specified.
        let metrics = journal.metrics
        #expect(metrics == JournalMetrics(writtenBytes: metrics.writtenBytes, writes: metrics.writes))
        await journal.close()
    }

    @Test func strangeNamesAreNoJournals() throws {
        for name in ["x", "../../../etc/passwd", String(repeating: "A", count: 32)] {
            #expect(!JournalFolder.isID(name))
        }
        #expect(JournalFolder.isID(LogHead.makeID()))
        _ = try JournalFile(scratch.folder.path + "/streams/notes.journal", for: .creating, on: SystemDisk())
        #expect(try scratch.folder.ids().isEmpty)
    }

    @Test func stateGoesWhereTheDesktopSays() {
        func path(_ environment: [String: String]) -> String? { JournalFolder.defaultPath { environment[$0] } }
        #expect(path(["HOME": "/home/me"]) == "/home/me/.local/state/martlet")
        #expect(path(["HOME": "/home/me", "XDG_STATE_HOME": "/var/x"]) == "/var/x/martlet")
        #expect(path(["XDG_STATE_HOME": "relative"]) == nil)
    }
}
