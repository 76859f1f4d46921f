import MartletFiles
import MartletPlatform
import MartletProtocol
import Testing

@testable import MartletStreams

/// The number of open files, and removal on demand.
@Suite struct JournalPoolTests {
    private let scratch: JournalTests.ScratchFolder
    init() throws { scratch = try JournalTests.ScratchFolder() }

    private func head() -> JournalHead {
        JournalHead(GenerationSpec(head: LogHead(created: 5, model: "m"), view: NumberedView()))
    }

    private func handle(_ number: Int) -> GenerationHandle { GenerationHandle(rawValue: UInt64(number)) }

    private func append(_ journal: Journal, _ number: Int, _ token: Int32) {
        journal.append(.engine(EngineEvent(handle(number), .token(id: token, text: [0x61]))), of: handle(number))
    }

    /// Descriptors of this process for files in the folder; 0 where `/proc` does not exist.
    private var descriptorCount: Int {
        let links = (try? SystemDisk().entries(of: "/proc/self/fd").compactMap(\.text)) ?? []
        return links.count { name in
            var target = [CChar](repeating: 0, count: 4_096)
            let count = readlink("/proc/self/fd/\(name)", &target, target.count)
            let bytes = target.prefix(max(0, count)).map { UInt8(bitPattern: $0) }
            return String(decoding: bytes, as: UTF8.self).hasPrefix(scratch.folder.path)
        }
    }

    @Test(arguments: [1, 2, 4, 30]) func openJournalsStayWithinTheLimit(limit: Int) async throws {
        let journal = Journal(
            folder: scratch.folder, maximumOpenCount: limit, collectTime: .zero, clock: { 1_000 })
        let heads = (0..<20).map { _ in head() }
        for (number, head) in heads.enumerated() { journal.begin(handle(number), head) }
        var expected = [[Int32]](repeating: [], count: heads.count)
        for round in 0..<12 {
            // All journals, or some journals repeatedly.
            for number in heads.indices where round % 3 == 0 || number % (round + 1) == 0 {
                append(journal, number, Int32(round))
                expected[number].append(Int32(round))
            }
            await journal.flush()
            #expect(descriptorCount <= limit)
        }
        #expect(journal.metrics.lost == 0)
        #expect(journal.metrics.open == heads.count)
        for (head, tokens) in zip(heads, expected) { #expect(try scratch.read(head).tokens == tokens) }
        await journal.close()
    }

    @Test func erasedJournalsAreGoneOnReturn() async throws {
        let journal = Journal(folder: scratch.folder, collectTime: .zero, clock: { 1_000 })
        let (running, unknown) = (head(), head())
        journal.begin(handle(1), running)
        append(journal, 1, 1)
        await journal.flush()
        // The invalid end of a journal holds text of the generation as well.
        for name in ["\(running.log.id).from-7", "\(unknown.log.id).journal"] {
            _ = try JournalFile("\(scratch.folder.path)/aside/\(name)", for: .creating, on: SystemDisk())
        }
        try await journal.erase(running.log.id)
        #expect(try scratch.folder.ids().isEmpty)
        #expect(
            try SystemDisk().entries(of: scratch.folder.path + "/aside").map(\.text) == ["\(unknown.log.id).journal"])
        append(journal, 1, 2)
        await journal.flush()
        #expect(try scratch.folder.ids().isEmpty)
        try await journal.erase(unknown.log.id)
        #expect(try SystemDisk().entries(of: scratch.folder.path + "/aside").isEmpty)
        #expect(journal.metrics.open == 0 && journal.metrics.fileBytes == 0)
        await journal.close()
    }

    @Test func failedErasureIsAnError() async throws {
        let journal = Journal(folder: scratch.folder, collectTime: .zero, clock: { 1_000 })
        let head = head()
        mkdir(scratch.folder.file(of: head.log.id), 0o700)
        await #expect(throws: JournalError.self) { try await journal.erase(head.log.id) }
        rmdir(scratch.folder.file(of: head.log.id))
        try await journal.erase(head.log.id)
        await journal.close()
    }

    /// A part that stays in `aside` holds text of the generation, so the deletion fails, and succeeds later.
    @Test func aPartThatStaysIsAnError() async throws {
        let journal = Journal(folder: scratch.folder, collectTime: .zero, clock: { 1_000 })
        let head = head()
        journal.begin(handle(1), head)
        append(journal, 1, 1)
        await journal.flush()
        let part = "\(scratch.folder.path)/aside/\(head.log.id).from-7"
        mkdir(part, 0o700)
        mkdir(part + "/inner", 0o700)
        do throws(JournalError) {
            try await journal.erase(head.log.id)
            Issue.record("the deletion is acknowledged")
        } catch {
            #expect(error.description.contains(head.log.id), "\(error)")
        }
        #expect(try scratch.folder.ids() == [head.log.id], "the journal stays, so that the deletion can be tried again")
        rmdir(part + "/inner")
        try await journal.erase(head.log.id)
        #expect(try scratch.folder.ids().isEmpty)
        #expect(try SystemDisk().entries(of: scratch.folder.path + "/aside").isEmpty)
        await journal.close()
    }
}
