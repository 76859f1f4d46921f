import Logging
import MartletJSON
import MartletPlatform
import MartletProtocol
import MartletStreams
import MartletTestSupport
import Testing

@testable import MartletGenerations

/// The rules of stored responses, and their files.
struct ResponseStoreTests {
    private static func key(_ number: Int) throws -> ResponseIndex.Key {
        let digits = String(number, radix: 16)
        return try #require(ResponseIndex.Key(String(repeating: "0", count: 32 - digits.count) + digits))
    }

    @Test func keysAreIds() throws {
        let id = "00112233445566778899aabbccddeeff"
        #expect(ResponseIndex.Key(id)?.text == id)
        for text in [
            "", "0", id.uppercased(), id + "0", String(id.dropLast()) + "g", "+0112233445566778899aabbccddeeff",
        ] {
            #expect(ResponseIndex.Key(text) == nil, "\(text)")
        }
    }

    /// Against a list of all responses.
    @Test(arguments: [1, 2, 3]) func theIndexEqualsAList(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var index = ResponseIndex(ResponseIndex.Limits(age: 20, byteCount: 100))
        var list: [(key: ResponseIndex.Key, created: Int64, bytes: Int)] = []
        for step in 0..<2_000 {
            let now = Int64(step / 4)
            let key = try Self.key(Int.random(in: 0..<64, using: &random))
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                index.remove(key)
                list.removeAll { $0.key == key }
            case 1:
                #expect(index.contains(key, now: now) == list.contains { $0.key == key && $0.created + 20 > now })
            default:
                let bytes = Int.random(in: 1...40, using: &random)
                let removed = index.add(key, created: now, byteCount: bytes, now: now)
                list.removeAll { $0.key == key }
                list.append((key, now, bytes))
                let gone = list.filter { entry in removed.contains { $0 == entry.key } }
                // No response goes before an older one, also of the same second.
                #expect(gone.map(\.key) == list.prefix(gone.count).map(\.key))
                list.removeAll { entry in removed.contains { $0 == entry.key } }
                #expect(gone.count == removed.count)
                #expect(list.allSatisfy { $0.created + 20 > now })
                let total = list.reduce(0) { $0 + $1.bytes }
                #expect(index.count == list.count && index.byteCount == total && total <= 100)
            }
        }
    }

    @Test func aResponseThatDoesNotFitAloneRemovesNoOther() throws {
        var index = ResponseIndex(ResponseIndex.Limits(age: 20, byteCount: 100))
        #expect(index.add(try Self.key(1), created: 0, byteCount: 60, now: 0) == [])
        #expect(index.add(try Self.key(2), created: 0, byteCount: 101, now: 0) == [try Self.key(2)])
        #expect(index.count == 1 && index.byteCount == 60)
    }

    /// A body at the limit of nesting is inside of the document that has its response.
    @Test func theDeepestRequestIsReadBack() throws {
        let depth = JSONParser.Limits.default.depth
        let request = try JSONParser.parse(
            Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8))
        let stored = StoredResponse(
            id: "00112233445566778899aabbccddeeff", owner: Owner(rawValue: "o"), kind: .responses, created: 5,
            request: request, response: request)
        #expect(StoredResponse(stored.bytes) == stored)
        let own = StoredRequest(
            kind: .responses, body: request, promptTexts: [], seed: 1, build: "b", hasShortCallIDs: false)
        #expect(StoredRequest(own.bytes)?.body == request)
    }

    @Test func aStoredResponseSurvivesItsBytes() {
        let stored = StoredResponse(
            id: "00112233445566778899aabbccddeeff", owner: Owner(rawValue: "o"), kind: .responses, created: 5,
            request: ["input": "Hi"], response: ["output": []])
        #expect(StoredResponse(stored.bytes) == stored)
        for bytes in [[], Array("{}".utf8), Array(stored.bytes.dropLast())] { #expect(StoredResponse(bytes) == nil) }
    }

    @Test func filesAreFoundByTheNextStoreUntilTheyAreTooOld() async throws {
        let path = "/tmp/martlet-responses-\(UInt64.random(in: 0 ... .max))"
        #expect(mkdir(path, 0o700) == 0)
        defer {
            for name in SmallFileFolder(path: path + "/responses", byteLimit: 0).names() {
                unlink(path + "/responses/" + name)
            }
            rmdir(path + "/responses")
            rmdir(path)
        }
        let owner = Owner(rawValue: "o")
        let stored = StoredResponse(
            id: "00112233445566778899aabbccddeeff", owner: owner, kind: .responses, created: Int64(time(nil)),
            request: ["input": "Hi"], response: ["output": []])
        try SmallFileFolder(path: path + "/responses", byteLimit: 1_000).write(stored.bytes, stored.id + ".json")
        func store(_ age: Int64) -> ResponseStore {
            ResponseStore(
                path: path, StoredFileRules(age: age, byteCount: 1_000), now: { Int64(time(nil)) },
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }
        let next = store(3_600)
        guard case .ended(let found)? = await next.response(stored.id, of: owner) else {
            Issue.record("not found")
            return
        }
        #expect(found == stored)
        #expect(await next.response(stored.id, of: Owner(rawValue: "other")) == nil)
        #expect(await next.response("ff112233445566778899aabbccddeeff", of: owner) == nil)
        #expect(next.ids(beginningWith: ["001122334455"]) == [stored.id] && next.ids(beginningWith: ["f"]) == [])
        #expect(await next.responses(of: owner) { _ in false } == [stored])
        #expect(await next.responses(of: Owner(rawValue: "other")) { _ in false } == [])
        var changed = stored
        changed.request = ["input": "Hello"]
        #expect(await next.replace(changed))
        #expect(next.storedResponse(stored.id) == changed && next.count == 1)
        await next.remove(stored.id)
        #expect(await next.response(stored.id, of: owner) == nil && next.count == 0)
        #expect(await next.replace(stored) == false)
        // The age counts from the creation, whenever the file was written.
        changed.created -= 3_600
        try SmallFileFolder(path: path + "/responses", byteLimit: 1_000).write(changed.bytes, stored.id + ".json")
        #expect(await store(3_600).response(stored.id, of: owner) == nil)
        try SmallFileFolder(path: path + "/responses", byteLimit: 1_000).write(stored.bytes, stored.id + ".json")
        try SmallFileFolder(path: path + "/responses", byteLimit: 1_000).write([1], stored.id + ".json.part")
        #expect(await store(0).response(stored.id, of: owner) == nil)
        #expect(SmallFileFolder(path: path + "/responses", byteLimit: 0).names().allSatisfy { $0.hasPrefix(".") })
    }

    @Test func namesOfModelsAreMapped() throws {
        let map = try #require(ModelNameMap("claude-*=a,gpt-4o=b,*=c"))
        #expect(["claude-x", "gpt-4o", "gpt-4o-mini", "claude"].map(map.target) == ["a", "b", "c", "c"])
        #expect(ModelNameMap().target(of: "x") == "x")
        for text in ["a", "=b", "a=", "a*b=c", "a=b,c"] { #expect(ModelNameMap(text) == nil, "\(text)") }
    }
}
