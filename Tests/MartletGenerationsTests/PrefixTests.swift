import Foundation
import MartletJSON
import MartletProtocol
import MartletStreams
import MartletTestSupport
import Synchronization
import Testing

@testable import MartletGenerations

/// Pinned prefixes: the table against a plain list, the files with damage, and the computation after each start.
@Suite(.timeLimit(.minutes(15))) struct PrefixTests {
    private static let owners = [Owner.open, Owner(rawValue: "a"), Owner(rawValue: "b")]
    private static let names = ["one", "two", "caf\u{E9}", "cafe\u{301}"]

    private func prefix(
        _ id: UInt64, _ name: String, _ owner: Owner = .open, tokens: Int = 10, created: Int64 = 0
    ) -> PinnedPrefix {
        PinnedPrefix(
            id: PinnedPrefixID(rawValue: id), owner: owner, name: name, body: ["prompt": "x"], created: created,
            tokens: tokens)
    }

    @Test(arguments: 0..<150) func theTableEqualsAPlainList(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let limit = 60
        var table = PrefixTable(tokenLimit: limit)
        var plain: [PinnedPrefix] = []
        func index(_ name: String, _ owner: Owner) -> Int? {
            plain.firstIndex { $0.owner == owner && $0.name.utf8.elementsEqual(name.utf8) }
        }
        for number in 1...120 {
            let owner = random.element(of: Self.owners)
            let name = random.element(of: Self.names)
            switch Int.random(in: 0..<6, using: &random) {
            case 0..<3:
                let new = prefix(
                    UInt64(number), name, owner, tokens: Int.random(in: 0...40, using: &random),
                    created: Int64.random(in: 0...3, using: &random))
                let old = index(name, owner)
                let others =
                    plain.filter { $0.owner == owner }.reduce(0) { $0 + $1.tokens }
                    - (old.map { plain[$0].tokens } ?? 0)
                do throws(GenerationError) {
                    let replaced = try table.insert(new)
                    #expect(others + new.tokens <= limit, "the quota is exceeded")
                    #expect(replaced == old.map { plain[$0] })
                    if let old { plain.remove(at: old) }
                    plain.append(new)
                } catch {
                    #expect(others + new.tokens > limit && error.message.contains("\(limit)"), "\(error)")
                }
            case 3:
                let wanted = index(name, owner)
                let other = Bool.random(using: &random) ? PinnedPrefixID(rawValue: 9_999) : nil
                let removed = table.remove(name, of: owner, id: other)
                #expect(removed == (other == nil ? wanted.map { plain[$0] } : nil))
                if let wanted, other == nil { plain.remove(at: wanted) }
            case 4:
                guard let position = plain.indices.randomElement(using: &random) else { continue }
                let id = plain[position].id
                let isFound = table.update(id, of: plain[position].owner) { $0.state = .ready }
                plain[position].state = .ready
                #expect(isFound)
                let isFoundElsewhere = table.update(id, of: Owner(rawValue: "nobody")) { $0.tokens = 99 }
                #expect(!isFoundElsewhere)
            default: break
            }
            for owner in Self.owners {
                let own = plain.filter { $0.owner == owner }
                #expect(table.tokens(of: owner) == own.reduce(0) { $0 + $1.tokens })
                let sorted = own.sorted { ($0.created, $0.id.rawValue) < ($1.created, $1.id.rawValue) }
                #expect(table.prefixes(of: owner) == sorted)
                for name in Self.names {
                    #expect(table.prefix(name, of: owner) == index(name, owner).map { plain[$0] })
                }
            }
            #expect(table.all.count == plain.count)
        }
    }

    @Test func anOwnerHasALimitOfNames() throws {
        var table = PrefixTable(tokenLimit: .max)
        for number in 0..<PrefixTable.nameLimit {
            _ = try table.insert(prefix(UInt64(number) + 1, "n\(number)", tokens: 0))
        }
        let error = #expect(throws: GenerationError.self) { try table.insert(prefix(999, "more", tokens: 0)) }
        #expect(error?.message.contains("256") == true)
        // A name that exists is replaced, and another owner has its own limit.
        #expect(try table.insert(prefix(1_000, "n5", tokens: 0))?.id.rawValue == 6)
        #expect(try table.insert(prefix(1_001, "more", Owner(rawValue: "a"), tokens: 0)) == nil)
        // A prefix of an earlier process comes back, also above a quota that has become smaller.
        var small = PrefixTable(tokenLimit: 5)
        small.restore(prefix(1, "big", tokens: 100))
        #expect(small.tokens(of: .open) == 100)
        #expect(throws: GenerationError.self) { try small.insert(prefix(2, "tiny", tokens: 1)) }
    }

    // MARK: Files

    private func withFolder(_ body: (PrefixFolder, String) throws -> Void) throws {
        let state = FileManager.default.temporaryDirectory.appending(path: "martlet-prefixes-\(UUID())").path
        try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: state) }
        try body(PrefixFolder(state: state), state + "/prefixes")
    }

    @Test func definitionsSurviveTheirFiles() throws {
        try withFolder { folder, path in
            #expect(folder.read().prefixes.isEmpty, "the folder does not exist yet")
            let prefixes = [
                prefix(1, "one"), prefix(.max, "世\n\"", Owner(rawValue: "k"), tokens: 0), prefix(0xABC, "é"),
            ]
            for prefix in prefixes { try folder.write(prefix) }
            let read = folder.read()
            #expect(read.problems.isEmpty)
            #expect(
                read.prefixes.sorted { $0.id.rawValue < $1.id.rawValue }
                    == prefixes.sorted { $0.id.rawValue < $1.id.rawValue })
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o700, "prompts are private")
            try folder.remove(prefixes[0].id)
            try folder.remove(prefixes[0].id)
            #expect(folder.read().prefixes.count == 2)
        }
    }

    /// Every cut and foreign content is a problem with its path, and the other files are read.
    @Test func damagedDefinitionsAreNamedAndStay() throws {
        let whole = PrefixFolder.encode(prefix(5, "x"))
        for count in 0..<whole.count {
            #expect(PrefixFolder.decode(Array(whole.prefix(count)), fileName: "0000000000000005.json") == nil)
        }
        #expect(PrefixFolder.decode(whole, fileName: "0000000000000005.json")?.id.rawValue == 5)
        for name in ["5.json", "000000000000000g.json", "x.json", ".json", "00000000000000005.json"] {
            #expect(PrefixFolder.decode(whole, fileName: name) == nil, "\(name)")
        }
        let json = try #require(try JSONParser.parse(whole).objectValue)
        let changes: [(String, JSONValue)] = [
            ("version", 2), ("version", .null), ("name", ""), ("name", 5), ("owner", .null), ("created", "x"),
            ("tokens", -1),
            ("tokens", 1.5), ("body", []), ("body", "x"),
        ]
        for (key, value) in changes {
            var changed = json
            changed[key] = value
            #expect(
                PrefixFolder.decode(JSONValue.object(changed).bytes, fileName: "0000000000000005.json") == nil, "\(key)"
            )
        }
        try withFolder { folder, path in
            try folder.write(prefix(7, "good"))
            try Data("{".utf8).write(to: URL(filePath: path + "/0000000000000008.json"))
            try Data("part".utf8).write(to: URL(filePath: path + "/0000000000000009.json.part"))
            try FileManager.default.createDirectory(
                atPath: path + "/000000000000000a.json", withIntermediateDirectories: true)
            let read = folder.read()
            #expect(read.prefixes.map(\.name) == ["good"] && read.problems.count == 2)
            #expect(read.problems.contains { $0.contains("0000000000000008.json: it is no definition") })
            #expect(FileManager.default.fileExists(atPath: path + "/0000000000000008.json"), "the file stays")
        }
    }

    // MARK: Computation

    /// Each start of an engine computes once; starts during a computation are one more computation behind it.
    @Test func aStartDuringAComputationIsComputedBehindIt() async {
        let start = PrefixStart()
        let (begun, begin) = AsyncStream.makeStream(of: Int.self)
        let gates = Mutex<[CheckedContinuation<Void, Never>]>([])
        let count = Mutex(0)
        start.begin(of: []) {
            let number = count.withLock { count in
                count += 1
                return count
            }
            await withCheckedContinuation { continuation in
                gates.withLock { $0.append(continuation) }
                begin.yield(number)
            }
        }
        var events = begun.makeAsyncIterator()
        start.engineIsReady()
        #expect(await events.next() == 1)
        for _ in 0..<5 { start.engineIsReady() }
        #expect(count.withLock { $0 } == 1, "one computation runs at a time")
        gates.withLock { $0.removeFirst() }.resume()
        #expect(await events.next() == 2, "five starts are one more computation")
        start.engineIsReady()
        gates.withLock { $0.removeFirst() }.resume()
        #expect(await events.next() == 3)
        gates.withLock { $0.removeFirst() }.resume()
    }

    @Test func aStartWithoutWorkDoesNothing() {
        let start = PrefixStart()
        start.engineIsReady()
        start.engineIsReady()
    }
}
