import Logging
import MartletJSON
import MartletPlatform
import MartletStreams
import MartletTestSupport
import Testing

@testable import MartletGenerations

/// The file of a conversation: appended changes, incomplete lines, rewrites, older and newer files.
struct ConversationFileTests {
    private static let owner = Owner(rawValue: "o")
    private static let id = "00112233445566778899aabbccddeeff"

    private static func conversation(_ items: [JSONObject] = []) -> StoredConversation {
        StoredConversation(id: id, owner: owner, created: 5, metadata: ["topic": "a\nb"], items: items)
    }

    private static func item(_ id: String, byteCount: Int = 10) -> JSONObject {
        ["id": .string(id), "type": "message", "content": .string(String(repeating: "é", count: byteCount / 2))]
    }

    /// Changes as clients make them: at first mostly additions, also of responses twice, then mostly removals, also of
    /// items that are not there.
    private static func change(_ step: Int, _ random: inout SeededGenerator) -> ConversationChange {
        let byteCount = Int.random(in: 0..<2_000, using: &random)
        return switch Int.random(in: step < 150 ? 0..<8 : 0..<3, using: &random) {
        case 0:
            .metadata(["step": .integer(Int64(step / 2)), "text": .string(String(repeating: "m", count: byteCount))])
        case 1, 2: .remove(itemID: "item\(Int.random(in: 0...150, using: &random))")
        case 3: .add([], response: nil)
        case 4: .add([item("item\(step)", byteCount: byteCount)], response: "r\(step / 3)")
        default: .add([item("item\(step)", byteCount: byteCount), item("more\(step)")], response: nil)
        }
    }

    private static func update(
        _ file: inout ConversationFile, _ change: ConversationChange
    ) throws -> ConversationFile.Update {
        let update = file.update(change)
        return try #require(update)
    }

    /// The naive model of a change.
    private static func apply(_ change: ConversationChange, to conversation: inout StoredConversation) {
        switch change {
        case .metadata(let metadata): conversation.metadata = metadata
        case .remove(let id): conversation.items.removeAll { $0["id"] == .string(id) }
        case .add(let items, let response):
            if let response, conversation.responses.contains(response) { return }
            conversation.items += items
            conversation.responses += response.map { [$0] } ?? []
        }
    }

    /// Against the naive model: the value, the bytes, a reading of the bytes, and the bytes that reach the disk.
    @Test(arguments: [1, 2, 3]) func aFileEqualsItsChanges(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var expected = Self.conversation([Self.item("first")])
        var file = ConversationFile(expected)
        var bytes = file.bytes
        var (written, appended, rewrites) = (bytes.count, bytes.count, 0)
        for step in 0..<300 {
            let change = Self.change(step, &random)
            let before = expected
            Self.apply(change, to: &expected)
            let update = file.update(change)
            #expect((update == nil) == (before == expected), "\(step)")
            switch update {
            case .append(let line)?:
                bytes += line
                appended += line.count
            case .replace(let all)?:
                bytes = all
                rewrites += 1
                // At most the bytes of the removal, and of what it removed.
                appended += 4_200
            case nil: break
            }
            written += update?.bytes.count ?? 0
            #expect(file.byteCount == bytes.count, "\(step)")
            #expect(file.byteCount <= 2 * file.liveByteCount + ConversationFile.deadByteLimit + 4_200, "\(step)")
            guard step % 20 == 0 else { continue }
            let isSame = file.conversation == expected && ConversationFile(bytes) == file
            #expect(isSame, "\(step)")
        }
        // The live bytes are nearly those of a file with one line.
        #expect(abs(file.liveByteCount - ConversationFile(expected).byteCount) < 300 * 64)
        #expect(rewrites > 0 && written <= 2 * appended)
    }

    /// The bytes of 50 turns are those of their items, not the sum of all beginnings.
    @Test func aLongConversationWritesEachItemOnce() throws {
        var file = ConversationFile(Self.conversation())
        var written = 0
        for turn in 0..<50 {
            let items = [Self.item("question\(turn)", byteCount: 500), Self.item("answer\(turn)", byteCount: 1_500)]
            let update = try Self.update(&file, .add(items, response: "resp\(turn)"))
            guard case .append(let line) = update else {
                Issue.record("turn \(turn) writes the file again")
                return
            }
            written += line.count
        }
        #expect(written < file.bytes.count * 105 / 100, "\(written) bytes for \(file.bytes.count)")
    }

    /// A process may end after any byte: what is left is the conversation before or after a change, and goes on.
    @Test func aFileThatIsCutAtAnyByteHasTheChangesBefore() throws {
        var file = ConversationFile(Self.conversation([Self.item("first")]))
        var bytes = file.bytes
        var states: [(end: Int, conversation: StoredConversation)] = [(bytes.count, file.conversation)]
        for change: ConversationChange in [
            .add([Self.item("a")], response: "r1"), .metadata(["k": "v"]), .remove(itemID: "first"),
            .add([Self.item("b"), Self.item("c")], response: "r2"),
        ] {
            bytes += try Self.update(&file, change).bytes
            states.append((bytes.count, file.conversation))
        }
        for count in 0...bytes.count {
            let cut = ConversationFile(Array(bytes.prefix(count)))
            let state = states.last { $0.end <= count }
            #expect(cut?.conversation == state?.conversation, "\(count) bytes")
            guard var cut, let state else { continue }
            let update = try Self.update(&cut, .add([Self.item("next")], response: "r3"))
            let isWhole = state.end == count
            let after = isWhole ? Array(bytes.prefix(count)) + update.bytes : update.bytes
            if case .append = update { #expect(isWhole, "\(count) bytes") } else { #expect(!isWhole, "\(count) bytes") }
            #expect(ConversationFile(after)?.conversation == cut.conversation, "\(count) bytes")
            #expect(cut.conversation.items.count == state.conversation.items.count + 1)
        }
    }

    /// A changed byte ends the conversation before its line.
    @Test func aDamagedLineAndItsFollowersDoNotCount() throws {
        var file = ConversationFile(Self.conversation())
        let head = file.bytes
        let line = try Self.update(&file, .add([Self.item("a")], response: nil)).bytes
        let bytes = head + line + (try Self.update(&file, .add([Self.item("b")], response: nil)).bytes)
        for index in 0..<(head.count + line.count) {
            var damaged = bytes
            damaged[index] ^= 1
            let read = ConversationFile(damaged)
            if index < head.count {
                #expect(read == nil, "byte \(index)")
            } else {
                #expect(read?.conversation == Self.conversation(), "byte \(index)")
            }
        }
    }

    /// A file of version 1 is read, and its first change gives it the form of this version. A newer one is not read.
    @Test func otherVersionsAreReadOrLeftAlone() throws {
        let old =
            #"{"version":1,"id":"\#(Self.id)","owner":"o","created":5,"metadata":{"topic":"a\nb"},"#
            + #""responses":["r"],"items":[{"id":"first","type":"message"}]}"#
        var file = try #require(ConversationFile(Array(old.utf8)))
        #expect(file.conversation.responses == ["r"] && file.conversation.items.count == 1)
        guard case .replace(let bytes)? = file.update(.metadata([:])) else {
            Issue.record("a file of version 1 was not written again")
            return
        }
        #expect(ConversationFile(bytes) == file)
        for text in [old.replacing("\"version\":1", with: "\"version\":3"), "", "{}", "{", "\n", "00000000 {}\n"] {
            #expect(ConversationFile(Array(text.utf8)) == nil, "\(text)")
        }
    }

    @Test func changesReachTheDiskAndTheNextProcess() async throws {
        let path = "/tmp/martlet-conversations-\(UInt64.random(in: 0 ... .max))"
        let folder = SmallFileFolder(path: path + "/conversations", byteLimit: 1 << 20)
        #expect(mkdir(path, 0o700) == 0)
        defer {
            for name in folder.names() { unlink(folder.path + "/" + name) }
            rmdir(folder.path)
            rmdir(path)
        }
        func open() -> ConversationFiles {
            ConversationFiles(
                path: path, StoredFileRules(age: 3_600, byteCount: 1 << 20), now: { Int64(time(nil)) },
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }
        let name = Self.id + ".json"
        try await open().add(Self.conversation())
        for turn in 0..<3 {
            let size = try #require(folder.facts(of: name)).byteCount
            let changed = try await open().update(Self.id, of: Self.owner) { conversation in
                #expect(conversation.items.count == turn)
                return .add([Self.item("i\(turn)")], response: "r\(turn)")
            }
            #expect(try #require(folder.facts(of: name)).byteCount < size + 200)
            #expect(await open().conversation(Self.id, of: Self.owner) == changed)
        }
        // A part of a line, as a process leaves it that ends while it writes.
        try folder.append(Array("0123".utf8), name, at: try #require(folder.facts(of: name)).byteCount)
        let files = open()
        #expect(await files.conversation(Self.id, of: Self.owner)?.items.count == 3)
        let next = try await files.update(Self.id, of: Self.owner) { _ in .remove(itemID: "i1") }
        #expect(next.items.count == 2)
        #expect(await open().conversation(Self.id, of: Self.owner) == next)
        await #expect(throws: ConversationFiles.Problem.missing) {
            _ = try await files.update(Self.id, of: Owner(rawValue: "other")) { _ in nil }
        }
        await #expect(throws: ConversationFiles.Problem.tooManyItems) {
            let many = (0...StoredConversation.itemLimit).map { Self.item("m\($0)") }
            _ = try await files.update(Self.id, of: Self.owner) { _ in .add(many, response: nil) }
        }
        #expect(await open().conversation(Self.id, of: Self.owner) == next)
        // Another program has changed the file since it was read: nothing is written into the middle of it.
        #expect(throws: (any Error).self) { try folder.append([1], name, at: 1) }
    }
}
