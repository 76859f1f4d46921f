import Foundation
import Logging
import MartletProtocol
import MartletStreams
import MartletTestSupport
import NIOPosix
import Testing

@testable import MartletGenerations

/// Rules of small parts: names of models, scopes, scales, prompts on disk, items of an output.
@Suite(.timeLimit(.minutes(15))) struct ServiceRuleTests {
    // MARK: Names

    @Test(arguments: 0..<150) func theFirstPatternThatMatchesCounts(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let patterns = ["a", "ab", "a*", "ab*", "*", "claude-*", "caf\u{E9}", "b"]
        let entries = (0..<Int.random(in: 1...5, using: &random)).map { number in
            (random.element(of: patterns), "target\(number)")
        }
        let map = try #require(ModelNameMap(entries.map { "\($0.0)=\($0.1)" }.joined(separator: ",")))
        for name in ["", "a", "ab", "abc", "claude-3", "claude", "caf\u{E9}", "cafe\u{301}", "x*", "*"] {
            let entry = entries.first { pattern, _ in
                pattern.hasSuffix("*")
                    ? name.utf8.starts(with: pattern.dropLast().utf8) : name.utf8.elementsEqual(pattern.utf8)
            }
            #expect(map.target(of: name) == entry?.1 ?? name, "\(entries): \(name)")
        }
    }

    @Test(arguments: ["a", "=b", "a=", "a*b=c", "*a=c", "a=b,c", "**=x", "a=b,=c"])
    func aMapThatIsNoneIsRefused(text: String) {
        #expect(ModelNameMap(text) == nil)
    }

    @Test func aMapWithoutEntriesChangesNoName() {
        #expect(ModelNameMap().target(of: "a") == "a" && ModelNameMap("") == ModelNameMap())
        #expect(ModelNameMap("a=b=c")?.target(of: "a") == "b=c", "a name may have an equals sign")
    }

    // MARK: Scopes and scales

    @Test func ownersHaveScopesOfTheirOwn() {
        let owners = [
            Owner.open, Owner(rawValue: "a"), Owner(rawValue: "b"), Owner(rawValue: String(repeating: "0", count: 64)),
            Owner(rawValue: String(repeating: "f", count: 64)),
            Owner(rawValue: "1" + String(repeating: "0", count: 63)),
        ]
        let keys = owners.map { CacheScope.owner.tenant(of: $0) }
        #expect(keys[0] == TenantKeys(), "the open owner has the keys of a server without API keys")
        #expect(Set(keys.map(\.cacheScope)).count == owners.count, "no two owners share a scope")
        #expect(keys.dropFirst().allSatisfy { $0.cacheScope != 0 && $0.cacheScope == $0.fairShare })
        for (owner, key) in zip(owners, keys) {
            let shared = CacheScope.global.tenant(of: owner)
            #expect(shared.cacheScope == 0 && shared.fairShare == key.fairShare, "fair shares stay apart")
        }
    }

    @Test func scalesAreThoseOfTheStartUntilAClientSetsThem() {
        var model = ModelInformation.fake
        model.adapters = [AdapterInformation(path: "a", scale: 0.5), AdapterInformation(path: "b", scale: 1)]
        let scales = AdapterScales()
        #expect(scales.current(of: model) == [AdapterScale(index: 0, scale: 0.5), AdapterScale(index: 1, scale: 1)])
        scales.set([AdapterScale(index: 1, scale: 0)])
        #expect(scales.current(of: model) == [AdapterScale(index: 1, scale: 0)])
        scales.set([])
        #expect(scales.current(of: model).isEmpty, "no adapter is a choice, too")
    }

    // MARK: Prompts on disk

    private func withFolder(_ body: (String) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "martlet-prompts-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(path)
    }

    private static let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    @Test func everyPromptIsAFileOfItsOwn() async throws {
        try await withFolder { path in
            let pool = NIOThreadPool(numberOfThreads: 1)
            pool.start()
            let log = try PromptLog(folder: path, pool: pool, logger: Self.quiet)
            let prompts = (0..<30).map { number in
                Prompt(
                    pieces: [.text("世 \(number) ", isTrusted: true), .tokens([1, -2]), .text("b", isTrusted: false)],
                    addsBeginning: true)
            }
            log.write(prompts)
            // The end of a pool drops what waits in it. A pool of a single thread works in order.
            try await pool.runIfActive {}
            let names = try FileManager.default.contentsOfDirectory(atPath: path)
            let texts = try names.map { try String(contentsOfFile: path + "/" + $0, encoding: .utf8) }
            try await pool.shutdownGracefully()
            #expect(texts.sorted() == (0..<30).map { "世 \($0) [1, -2]b" }.sorted())
            #expect(names.allSatisfy { $0.hasSuffix(".txt") })
            let attributes = try FileManager.default.attributesOfItem(atPath: path + "/" + names[0])
            #expect(attributes[.posixPermissions] as? Int == 0o600, "prompts are private")
        }
    }

    @Test func aFolderThatIsNoneIsNamedWithItsFlag() async throws {
        try await withFolder { path in
            try Data().write(to: URL(filePath: path))
            let error = #expect(throws: UnusablePromptFolder.self) {
                try PromptLog(folder: path, logger: Self.quiet)
            }
            #expect(error?.description.hasPrefix("--log-prompts-dir: \(path) cannot be used: ") == true)
            #expect(throws: UnusablePromptFolder.self) {
                try PromptLog(folder: path + "/below/a/file", logger: Self.quiet)
            }
        }
    }

    // MARK: Items

    /// A random output of one choice, as its channels one by one.
    private func events(_ random: inout SeededGenerator) -> [MartletStreams.LogEvent] {
        var events: [MartletStreams.LogEvent] = [.admitted(promptTokens: 1), .started(cachedTokens: 0)]
        var callCount = 0
        for token in 0..<Int32.random(in: 0...40, using: &random) {
            let bytes = Array(random.element(of: ["", "a", "é", "世"]).utf8)[...]
            switch Int.random(in: 0..<7, using: &random) {
            case 0:
                events.append(.call(callCount, name: "f\(callCount)"))
                callCount += 1
            case 1 where callCount > 0: events.append(.arguments(call: callCount - 1, token: token, bytes: bytes))
            case 2: events.append(.text(.reasoning, token: token, bytes: bytes))
            case 3: events.append(.text(.delimiter, token: token, bytes: bytes))
            case 4: events.append(.ping)
            default: events.append(.text(.content, token: token, bytes: bytes))
            }
        }
        return events
    }

    @Test(arguments: 0..<200) func itemsHaveEachByteOnceAndInItsOrder(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let events = events(&random)
        let items = OutputItems(events).items
        // The plain model: all bytes of a kind, one after the other.
        func bytes(_ channel: OutputChannel) -> [UInt8] {
            events.flatMap { event -> [UInt8] in
                if case .text(channel, _, let bytes) = event { Array(bytes) } else { [] }
            }
        }
        #expect(items.filter { $0.kind == .text }.flatMap(\.text) == bytes(.content))
        #expect(items.filter { $0.kind == .reasoning }.flatMap(\.text) == bytes(.reasoning))
        let calls = items.filter { if case .call = $0.kind { true } else { false } }
        let names = events.compactMap { event -> String? in if case .call(_, let name) = event { name } else { nil } }
        #expect(calls.map(\.name) == names)
        for (number, call) in calls.enumerated() {
            let arguments = events.flatMap { event -> [UInt8] in
                if case .arguments(number, _, let bytes) = event { Array(bytes) } else { [] }
            }
            #expect(call.text == arguments && call.kind == .call(number))
        }
        // Two neighbours of one kind would be one item.
        for (one, other) in zip(items, items.dropFirst()) where one.kind == other.kind {
            Issue.record("\(one.kind) twice in a row")
        }
        // A prefix of the events has a prefix of the items: what a stream has shown stays.
        let count = Int.random(in: 0...events.count, using: &random)
        let earlier = OutputItems(streamed: Array(events.prefix(count))).items
        #expect(earlier.map(\.kind) == items.prefix(earlier.count).map(\.kind))
        for (one, other) in zip(earlier, items) { #expect(other.text.starts(with: one.text)) }
    }
}
