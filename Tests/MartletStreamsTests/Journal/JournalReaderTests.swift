import MartletProtocol
import NIOCore
import Testing

@testable import MartletStreams

/// The result of reading a journal whose file is intact, torn, damaged or foreign.
@Suite struct JournalReaderTests {
    private static let head = {
        var spec = GenerationSpec(
            head: LogHead(created: 1_700_000_000, model: "tiny"), responseID: "cmpl-1", view: NumberedView())
        spec.owner = Owner(rawValue: "me")
        spec.label = "talk"
        spec.lifetime = .background
        spec.streams = false
        spec.pingInterval = .seconds(7)
        spec.storedRequest = [1, 2, 3]
        spec.resolvedOptions = [8, 1]
        return JournalHead(spec)
    }()
    /// Of a single choice.
    private static let handle = GenerationHandle(rawValue: 0)

    private static var request: JournalRequest {
        var request = GenerationRequest(
            handle: handle,
            prompt: Prompt(pieces: [.text("Grüße", isTrusted: false), .tokens([1])], addsBeginning: true))
        request.parameters.sampling.seed = 7
        var model = ModelInformation()
        model.chatTemplate = "{{ messages }}"
        return JournalRequest(request, model: model, parserDescription: [8, 1, 7])
    }

    private static func token(_ id: Int32) -> EngineEvent {
        EngineEvent(handle, .token(id: id, text: ArraySlice("word \(id)".utf8)))
    }

    private static let end = EngineEvent(
        handle, .finished(GenerationSummary(reason: .endOfGeneration, timings: Timings()), text: []))

    private static func read(_ bytes: [UInt8]) -> JournalReader.Result {
        do {
            return try JournalReader.read(JournalBytes(bytes))
        } catch {
            return JournalReader.Result(damage: "\(error)")
        }
    }

    private static let record = CommandRecord(
        number: CommandNumber(rawValue: 4), identity: CommandIdentity(requestID: "once", action: "fork", digest: 77),
        forks: ["cmpl-2", "cmpl-3"])

    /// A journal with every kind of record, and the end of each record.
    private static func sample() -> (bytes: [UInt8], ends: [Int]) {
        let journal = OpenJournal(id: head.log.id, path: "")
        journal.add(.head(head, at: 1_000))
        journal.add(request)
        journal.add(request)
        journal.add(EngineEvent(handle, .admitted(promptTokens: 3)), at: 1_010)
        journal.add(token(1), at: 1_020)
        journal.add(.ping(at: 1_500))
        journal.add(token(2), at: 1_600)
        journal.add(.resumed(at: 5_000))
        journal.add(token(3), at: 5_100)
        journal.add(.handedOverIncomplete(at: 5_150))
        journal.add(.resumed(at: 5_160))
        journal.add(.command(Self.record))
        journal.add(
            EngineEvent(handle, .controlled(Self.record.number, .applied(.forked([handle]), token: 3))), at: 5_170)
        journal.add(.handedOver(at: 5_200))
        journal.add(.resumed(at: 6_000))
        journal.add(token(4), at: 6_000)
        journal.add(.ping(at: 6_010))
        journal.add(token(5), at: 6_050)
        journal.add(.skippedNumbers(to: 40))
        journal.add(end, at: 6_060)
        let bytes = journal.collected()
        var ends = [JournalFormat.headerByteCount]
        while let start = ends.last, start < bytes.count {
            let count = JournalFormat.number(bytes[start..<(start + 4)], as: UInt32.self)
            ends.append(start + JournalFormat.recordHeaderByteCount + Int(count))
        }
        return (bytes, ends)
    }

    @Test func everythingComesBackInOrder() throws {
        let result = Self.read(Self.sample().bytes)
        let stored = try #require(result.generation)
        #expect(result.damage == nil)
        #expect(stored.head == Self.head)
        #expect(stored.request == Self.request)
        #expect(
            Array(stored.inputs) == [
                .engine(EngineEvent(Self.handle, .admitted(promptTokens: 3))), .engine(Self.token(1)), .ping,
                .engine(Self.token(2)), .engine(Self.token(3)), .handedOverIncomplete, .command(Self.record),
                .engine(
                    EngineEvent(
                        Self.handle, .controlled(Self.record.number, .applied(.forked([Self.handle]), token: 3)))),
                .handedOver, .engine(Self.token(4)), .ping, .engine(Self.token(5)), .skippedNumbers(to: 40),
                .engine(Self.end),
            ])
        #expect(stored.isEnded)
        #expect(stored.finished == 6)
        #expect(stored.extent.hasRequest)
        #expect(JournalHead(stored.head.spec(view: NumberedView())) == Self.head)
        #expect(stored.tokens == [1, 2, 3, 4, 5])
        #expect(stored.lastChange == 6_060)
        #expect(stored.continuations(handle: Self.handle) == nil)
    }

    /// Every server numbers its commands from 1.
    @Test func anUnresolvedCommandIsDroppedByTheNextServer() throws {
        let journal = OpenJournal(id: Self.head.log.id, path: "")
        journal.add(.head(Self.head, at: 1_000))
        let other = CommandRecord(number: CommandNumber(rawValue: 5), identity: nil, forks: ["cmpl-4"])
        let reply = EngineEvent(Self.handle, .controlled(Self.record.number, .applied(.paused, token: 3)))
        for (record, reply) in [(Self.record, reply), (other, Self.token(1))] {
            journal.add(.command(record))
            journal.add(reply, at: 1_010)
        }
        let before = try #require(Self.read(journal.collected()).generation)
        #expect(
            Array(before.inputs) == [.command(Self.record), .engine(reply), .command(other), .engine(Self.token(1))])
        journal.add(.resumed(at: 5_000))
        let after = try #require(Self.read(journal.collected()).generation)
        #expect(Array(after.inputs) == [.command(Self.record), .engine(reply), .engine(Self.token(1))])
    }

    @Test func aTornEndLeavesTheRecordsBeforeIt() throws {
        let (bytes, ends) = Self.sample()
        for count in 0..<bytes.count {
            let result = Self.read(Array(bytes[..<count]))
            let good = ends.last { $0 <= count }
            #expect((result.damage == nil) == (count == good && good != ends[0]), "\(count)")
            guard let good, good > ends[0] else {
                #expect(result.generation == nil)
                continue
            }
            let stored = try #require(result.generation)
            #expect(stored.extent.byteCount == good)
            #expect(Int(stored.extent.recordCount) == ends.firstIndex(of: good))
            let tokens = stored.tokens
            #expect(tokens == Array([1, 2, 3, 4, 5].prefix(tokens.count)))
        }
    }

    @Test func aFlippedBitLeavesTheRecordsBeforeIt() throws {
        let (bytes, ends) = Self.sample()
        let whole = try #require(Self.read(bytes).generation)
        for index in bytes.indices {
            var broken = bytes
            broken[index] ^= 1 << UInt8(index % 8)
            let result = Self.read(broken)
            #expect(result.damage != nil, "byte \(index)")
            let good = ends.last { $0 <= index }
            guard let good, good > ends[0] else {
                #expect(result.generation == nil)
                continue
            }
            let stored = try #require(result.generation)
            #expect(stored.extent.byteCount == good)
            let inputs = Array(stored.inputs)
            #expect(inputs == Array(whole.inputs.prefix(inputs.count)))
        }
    }

    @Test func otherVersionsAndStrangersAreNamed() {
        var bytes = Self.sample().bytes
        bytes[8] = 200
        #expect(Self.read(bytes).damage?.contains("version 200,") == true)
        for stranger in [[], Array("mrtl".utf8), Array("not a journal at all".utf8)] {
            let result = Self.read(stranger)
            #expect(result.generation == nil)
            #expect(result.damage?.contains("does not begin") == true)
        }
    }

    @Test func aMissingOrDoubledRecordIsDamage() {
        let (bytes, ends) = Self.sample()
        let missing = bytes[..<ends[3]] + bytes[ends[4]...]
        let doubled = bytes[..<ends[4]] + bytes[ends[3]...]
        for broken in [Array(missing), Array(doubled)] {
            #expect(Self.read(broken).damage == "\(JournalDamage.wrongSequence)")
        }
    }

    @Test func continuedGenerationsHaveAllTokensAndTheTimeOfAllRuns() throws {
        let (bytes, ends) = Self.sample()
        // All but the end of the generation.
        let stored = try #require(Self.read(Array(bytes[..<ends[ends.count - 2]])).generation)
        let handle = GenerationHandle(rawValue: 77)
        let request = try #require(stored.continuations(handle: handle)?.first)
        #expect(request.handle == handle)
        #expect(request.continuation == [1, 2, 3, 4, 5])
        #expect(request.continuationTime == .milliseconds(640))
        #expect(request.parameters.sampling.seed == 7)
    }

    @Test func onlyConsecutiveCrashesAreCounted() throws {
        let (bytes, ends) = Self.sample()
        func deaths(_ records: Int) throws -> Int {
            try #require(Self.read(Array(bytes[..<ends[records]])).generation).consecutiveCrashes
        }
        // Records: head, request, events, ping, events, resumed, events, handed over, resumed.
        #expect(try deaths(5) == 1)
        #expect(try deaths(6) == 2)
        #expect(try deaths(8) == 0)
        #expect(try deaths(9) == 1)
    }
}
