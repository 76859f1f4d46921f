import Foundation
import Logging
import MartletGenerations
import MartletStreams
import MartletTestSupport
import Testing

@testable import MartletServer

/// The rules of saved chats, without HTTP.
@Suite struct SavedChatTests {
    private static let owner = Owner(rawValue: "open")

    private static func name(_ text: String) throws -> SavedChatName { try #require(SavedChatName(text)) }

    private static func chats(in folder: StateFolder, byteLimit: Int = 1 << 20) -> SavedChats {
        try? FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        return SavedChats(
            path: folder.path + "/history", byteLimit: byteLimit,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    @Test func aNameNeedsNoEscapesAndSurvivesItsDigits() throws {
        for text in ["a", "..", "A-b_c.~9", String(repeating: "x", count: 60)] {
            let name = try Self.name(text)
            #expect(SavedChatName(digits: Substring(name.digits)) == name)
            #expect("f-\(name.digits)-\(name.digits).bin.part".utf8.count <= 255)
        }
        for text in ["", "a/b", "a b", "ä", "%2F", "a\0", String(repeating: "x", count: 61)] {
            #expect(SavedChatName(text) == nil, "\(text)")
        }
        for digits in ["", "6", "6G", "2f", "6A", "c3a4"] {
            #expect(SavedChatName(digits: Substring(digits)) == nil, "\(digits)")
        }
    }

    @Test(arguments: [
        ([], [], WriteCondition.none), ([], ["*"], .absent), ([], [" * "], .absent), (["*"], [], .present),
        (["\"a\""], [], .tagged(["a"])), (["\"a\", \"b\"", " \"c\""], [], .tagged(["a", "b", "c"])),
        (["\"\""], [], .tagged([""])), (["W/\"a\""], [], .never), (["a"], [], .never), (["\""], [], .never),
        ([""], [], .never), (["W/\"a\", \"b\""], [], .tagged(["b"])), ([], ["\"a\""], .never),
        (["*"], ["*"], .never), ([], ["*", "*"], .never), (["*, \"a\""], [], .tagged(["a"])),
    ])
    func aConditionIsThatOfTheHeaders(ifMatch: [String], ifNoneMatch: [String], condition: WriteCondition) {
        #expect(WriteCondition(ifMatch: ifMatch, ifNoneMatch: ifNoneMatch) == condition)
    }

    @Test func aConditionAllowsTheStatesThatItNames() {
        let states: [String?] = [nil, "a", "b"]
        let table: [(WriteCondition, [Bool])] = [
            (.none, [true, true, true]), (.absent, [true, false, false]), (.present, [false, true, true]),
            (.tagged(["a", "c"]), [false, true, false]), (.never, [false, false, false]),
        ]
        for (condition, allowed) in table { #expect(states.map(condition.allows) == allowed, "\(condition)") }
    }

    /// Against a dictionary of all chats and files.
    @Test(arguments: [1, 2, 3]) func theIndexEqualsADictionary(seed: UInt64) throws {
        struct Model { var tag: String; var bytes: Int; var files: [String: Int] = [:] }
        var random = SeededGenerator(seed: seed)
        var index = SavedChatIndex(limits: SavedChatIndex.Limits(chats: 6, files: 3, bytes: 200))
        var model: [String: Model] = [:]
        var total: Int { model.values.reduce(0) { $0 + $1.bytes + $1.files.values.reduce(0, +) } }
        for step in 0..<3_000 {
            let key = "c\(Int.random(in: 0..<8, using: &random))"
            let name = try Self.name(key)
            let file = "f\(Int.random(in: 0..<4, using: &random))"
            let size = Int.random(in: 0...40, using: &random)
            let old = model[key]
            let version = index.version
            switch Int.random(in: 0..<5, using: &random) {
            case 0, 1:
                let conditions: [WriteCondition] = [
                    .absent, .present, .tagged([old?.tag ?? "none"]), .tagged(["other"]), .never,
                ]
                let condition = conditions[Int.random(in: 0..<5, using: &random)]
                let fits = old != nil || model.count < 6
                let isSmall = size <= old?.bytes ?? 0 || total - (old?.bytes ?? 0) + size <= 200
                do throws(SavedChatIndex.Refusal) {
                    try index.check(name, byteCount: size, condition)
                    index.record(name, tag: "t\(step)", byteCount: size, modified: Int64(step))
                    #expect(condition.allows(old?.tag) && fits && isSmall)
                    model[key] = Model(tag: "t\(step)", bytes: size, files: old?.files ?? [:])
                    #expect(index.version > version)
                } catch {
                    #expect(!(condition.allows(old?.tag) && fits && isSmall))
                    #expect(index.version == version)
                }
            case 2:
                do throws(SavedChatIndex.Refusal) {
                    try index.check(try Self.fileName(file), of: name, byteCount: size)
                    index.record(try Self.fileName(file), of: name, byteCount: size)
                    #expect(old != nil && (old?.files[file] != nil || (old?.files.count ?? 0) < 3))
                    model[key]?.files[file] = size
                } catch {
                    let isFull = total - (old?.files[file] ?? 0) + size > 200
                    #expect(old == nil || isFull || (old?.files[file] == nil && old?.files.count == 3))
                }
            case 3:
                index.remove(try Self.fileName(file), of: name)
                model[key]?.files[file] = nil
            default:
                let condition: WriteCondition = Bool.random(using: &random) ? .none : .tagged(["other"])
                do throws(SavedChatIndex.Refusal) {
                    try index.checkRemoval(name, condition)
                    index.remove(name)
                    #expect(old != nil && condition == .none)
                    model[key] = nil
                } catch {
                    #expect(error == (old.map { .changed($0.tag) } ?? .missing))
                }
            }
            #expect(index.byteCount == total)
            #expect(index.entries.count == model.count)
            #expect(index.entries[name]?.files.count == model[key]?.files.count)
        }
    }

    private static func fileName(_ text: String) throws(SavedChatIndex.Refusal) -> SavedChatName {
        guard let name = SavedChatName(text) else { throw .missing }
        return name
    }

    @Test func chatsAndFilesOutliveTheStore() async throws {
        let folder = StateFolder()
        let first = Self.chats(in: folder)
        let (chat, picture) = (try Self.name("c1"), try Self.name("p1"))
        let tag = try await first.write(Array("{}".utf8), chat, of: Self.owner, .absent)
        try await first.write([1, 2, 3], picture, of: chat, Self.owner)
        let list = try await first.list(of: Self.owner)
        #expect(list.byteCount == 5 && list.entries.map(\.entry.tag) == [tag])

        // Leftovers of a process that ended while it wrote.
        let shelf = folder.path + "/history/open"
        try Data([9]).write(to: URL(fileURLWithPath: shelf + "/c-\(chat.digits).json.part"))
        try Data([9]).write(to: URL(fileURLWithPath: shelf + "/f-\(picture.digits)-\(picture.digits).bin"))
        let second = Self.chats(in: folder)
        let again = try await second.list(of: Self.owner)
        #expect(again.store == list.store && again.tag != list.tag && again.byteCount == 5)
        #expect(try await second.read(picture, of: chat, Self.owner) == [1, 2, 3])
        #expect(try await second.read(chat, of: Self.owner).tag == tag)
        #expect(try FileManager.default.contentsOfDirectory(atPath: shelf).count == 3)

        try await second.remove(chat, of: Self.owner, .tagged([tag]))
        #expect(try await second.list(of: Self.owner).byteCount == 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: shelf) == ["store"])
    }

    @Test func aChangeOfTheFileIsNoticed() async throws {
        let folder = StateFolder()
        let chats = Self.chats(in: folder)
        let chat = try Self.name("c1")
        let tag = try await chats.write(Array("{}".utf8), chat, of: Self.owner, .absent)
        let file = folder.path + "/history/open/c-\(chat.digits).json"
        try Data("{\"a\":1}".utf8).write(to: URL(fileURLWithPath: file))
        await #expect(throws: SavedChats.Failure.self) {
            try await chats.write(Array("{}".utf8), chat, of: Self.owner, .tagged([tag]))
        }
        #expect(try await chats.read(chat, of: Self.owner).bytes == Array("{\"a\":1}".utf8))
        try FileManager.default.removeItem(atPath: file)
        await #expect(throws: SavedChats.Failure.refused(.missing)) { try await chats.read(chat, of: Self.owner) }
    }

    /// A list without the chat would say to all devices that it was removed.
    @Test func anUnreadableChatFailsTheList() async throws {
        let folder = StateFolder()
        let chat = try Self.name("c1")
        _ = try await Self.chats(in: folder).write(Array("{}".utf8), chat, of: Self.owner, .absent)
        let file = folder.path + "/history/open/c-\(chat.digits).json"
        try FileManager.default.removeItem(atPath: file)
        // A folder with the name of the chat cannot be read, whatever the account of the test may do.
        try FileManager.default.createDirectory(atPath: file, withIntermediateDirectories: false)
        await #expect(throws: SavedChats.Failure.self) { try await Self.chats(in: folder).list(of: Self.owner) }
    }

    /// Of writers that name the same version one succeeds.
    @Test func oneOfManyWritersOfAVersionSucceeds() async throws {
        let folder = StateFolder()
        let chats = Self.chats(in: folder)
        let chat = try Self.name("c1")
        let tag = try await chats.write(Array("{}".utf8), chat, of: Self.owner, .absent)
        let successes = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<16 {
                group.addTask {
                    (try? await chats.write(Array("{\"n\":\(number)}".utf8), chat, of: Self.owner, .tagged([tag])))
                        != nil
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(successes == 1)
    }
}
