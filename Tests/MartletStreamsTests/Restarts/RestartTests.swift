import Foundation
import MartletProtocol
import MartletTestSupport
import NIOCore
import Synchronization
import Testing

@testable import MartletStreams

/// One generation over several servers that die or shut down at any moment, with the part of the journal that is on the
/// disk then, while readers connect and disconnect and commands are sent: every reader receives one completion, each
/// event once, and one terminal event.
///
/// `MARTLET_RESTARTS` sets the number of generations of each kind.
@Suite struct RestartTests {
    private static let generations =
        ProcessInfo.processInfo.environment["MARTLET_RESTARTS"].flatMap { UInt64($0) } ?? 60

    /// The end of a generation.
    enum Fate: CaseIterable {
        /// The generation ends by itself.
        case natural
        /// The generation is cancelled at some moment, possibly while the log lacks events that an earlier server
        /// emitted.
        case cancelled
    }

    @Test(arguments: Fate.allCases, [1, 3]) func everyReaderSeesOneGeneration(fate: Fate, choices: Int) throws {
        for seed in 0..<Self.generations {
            try Self.check(seed, fate, choices: choices)
        }
    }

    /// A command with a reply.
    private struct AppliedReply: Sendable {
        var command: AppliedCommand
        var event: Int
    }

    private static func check(_ seed: UInt64, _ fate: Fate, choices: Int) throws {
        let comment: Comment = "seed \(seed), \(fate), \(choices) choices"
        var random = SeededGenerator(seed: seed)
        let scratch = try JournalTests.ScratchFolder()
        let length = Int.random(in: 5..<60, using: &random)
        var bench = try RestartBench(scratch.folder, length: length, choices: choices)
        let id = bench.generation.spec.head.id
        let readers = (0..<4).map { RestartReader($0 % 2 == 0 ? .events : .bytes) }
        let replied = Mutex<[AppliedReply]>([])
        var names = 0
        // The extent of the log when the last server died.
        var known = Int.max

        func act() throws {
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<45: bench.step(&random)
            case 45..<60: bench.write(.random(in: 1..<12, using: &random))
            case 60..<75: bench.letReadersRead()
            case 75..<85:
                guard let reader = readers.randomElement(using: &random) else { break }
                if reader.isConnected {
                    reader.disconnect(cut: .random(in: 0..<9, using: &random))
                } else {
                    try reader.connect(to: bench)
                }
            case 85..<89: bench.registry.ping(bench.generation)
            case 89..<97:
                names += 1
                let identity = CommandIdentity(requestID: "\(names)", action: "any", digest: 0)
                try bench.registry.send(command(), to: bench.generation, identity: identity).whenResolved { reply in
                    guard case .applied(let record, let event) = reply else { return }
                    replied.withLock { $0.append(AppliedReply(command: record.command, event: event)) }
                }
            default: bench.goOn()
            }
        }
        func command() -> ControlAction {
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<4: return .pause
            case 4..<9: return .resume
            case 9..<12:
                var change = SettingsChange(keys: [.seed])
                change.values.sampling.seed = .random(in: 0..<100, using: &random)
                return .set(change)
            case 12..<15:
                return .inject(
                    Injection(content: Prompt(pieces: [], addsBeginning: false), moment: .now, opensTurn: false))
            case 15..<18: return .rewind(.token(.random(in: 0..<length, using: &random)))
            case 18: return .status
            default: return fate == .natural ? .stop(reason: "enough") : .pause
            }
        }
        /// The server is gone; its readers have received some bytes.
        func restart(isPlanned: Bool) throws -> Bool {
            if isPlanned {
                bench.registry.handOver(EngineError(.shuttingDown, "bye"))
                for _ in 0..<Int.random(in: 0..<3, using: &random) { bench.letReadersRead() }
                bench.write()
                bench.letReadersRead()
            }
            for reader in readers { reader.disconnect(cut: .random(in: 0..<9, using: &random)) }
            guard let next = try RestartBench(after: id, scratch.folder, length: length) else {
                #expect(readers.allSatisfy { $0.seen.isEmpty }, comment)
                return false
            }
            bench = next
            if !bench.isEnded { known = bench.generation.log.extent.nextNumber }
            return true
        }

        for _ in 0..<Int.random(in: 1..<4, using: &random) {
            for _ in 0..<Int.random(in: 0..<150, using: &random) { try act() }
            guard try restart(isPlanned: .random(in: 0..<4, using: &random) == 0) else { return }
        }
        for _ in 0..<Int.random(in: 0..<80, using: &random) { try act() }
        bench.goOn()
        if fate == .cancelled { bench.registry.cancel(bench.generation.handle) }
        for round in 0..<4_000 where !bench.isEnded {
            bench.step(&random)
            if round % 50 == 0 { _ = try bench.registry.send(.resume, to: bench.generation) }
            if round % 7 == 0 { bench.write() }
        }
        #expect(bench.isEnded, comment)
        bench.write()
        if Bool.random(using: &random) { guard try restart(isPlanned: false) else { return } }
        for reader in readers {
            if !reader.isConnected { try reader.connect(to: bench) }
            for _ in 0..<40 { bench.letReadersRead() }
            reader.disconnect()
            verify(reader, of: bench.generation, behind: known, comment)
        }
        let events = numbered(bench.generation.log.events)
        for command in replied.withLock({ $0 }) {
            guard case .controlled(let record)? = events[command.event] else {
                Issue.record("\(comment): no order at \(command.event)")
                continue
            }
            #expect(record.command == command.command, comment)
        }
    }

    private static func numbered(_ events: [LogEvent]) -> [Int: LogEvent] {
        var numbered: [Int: LogEvent] = [:]
        for event in events where event != .ping { numbered[numbered.count] = event }
        return numbered
    }

    /// - Parameter known: the first event number that the last server that died has not written.
    private static func verify(
        _ reader: RestartReader, of generation: Generation, behind known: Int, _ comment: Comment
    ) {
        let whole = bytes(of: reader.kind == .bytes ? generation.response : generation.numberedResponse)
        let isEarly = generation.log.earlyTerminalCursor != nil
        switch reader.kind {
        case .events:
            let (seen, all) = (reader.events, RestartReader.events(in: whole))
            #expect(zip(seen, seen.dropFirst()).allSatisfy { $0.number < $1.number }, comment)
            // Events behind the last durable record of a generation that was then cancelled exist nowhere else.
            let limit = isEarly ? known : .max
            let (before, expected) = (seen.filter { $0.number < limit }, all.filter { $0.number < limit })
            #expect(before.map(\.number) == expected.map(\.number), comment)
            #expect(before.map(\.text) == expected.map(\.text), comment)
            #expect(seen.count { $0.text.hasPrefix("END") } == 1, comment)
            #expect(seen.last?.text == all.last?.text, comment)
        case .bytes:
            if !isEarly { #expect(reader.seen == whole, comment) }
            // A client that by chance has received the same number of bytes of lost events cannot be distinguished from
            // a client that has received all.
            if isEarly, reader.seen.count == whole.count { return }
            let ends = [reader.seen, whole].map { bytes in
                String(decoding: bytes, as: UTF8.self).components(separatedBy: "data: END").dropFirst()
            }
            #expect(ends[0].count == 1 && ends[0] == ends[1], comment)
        }
    }

    private static func bytes(of encodedStream: EncodedStream) -> [UInt8] {
        var cursor = LogCursor()
        var batch = LogBatch()
        var all: [UInt8] = []
        var some: [UInt8] = []
        while case .more = encodedStream.read(from: &cursor, batch: &batch, into: &some, arming: nil) { all += some }
        return all + some
    }
}
