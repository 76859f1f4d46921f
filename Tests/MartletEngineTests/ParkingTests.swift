import Llama
import MartletProtocol
import Testing

@testable import MartletEngine

/// Paused generations give up their sequence or their room, and go on as if nothing had been.
@Suite struct ParkingTests {
    /// The demo model, and random ones with other kinds of memory where the set-up could make them.
    static let models =
        [TestModels.fledgling]
        + ["micro", "micro-swa", "micro-hybrid", "micro-mamba"].map(TestModels.random).filter(TestModels.exists)

    /// Where others take a paused generation's memory from.
    enum Room: CaseIterable {
        /// They need its sequence.
        case sequences
        /// They need the cells that all sequences share.
        case cells
    }

    private func bench(_ model: String, _ room: Room, shelf: Int = .max) throws -> ControlBench {
        switch room {
        case .sequences: try ControlBench(model: model, sequences: 2, context: 512, shelfByteCount: shelf)
        case .cells:
            try ControlBench(model: model, sequences: 4, context: 512, sharesMemory: true, shelfByteCount: shelf)
        }
    }

    /// A drawn answer of exactly 60 tokens.
    private func submit(_ bench: ControlBench, salt: Int, prompt count: Int = 150) throws -> GenerationHandle {
        try bench.submit("") {
            $0.prompt = Prompt(pieces: [.tokens(MemoryKindTests.tokens(count, salt))], addsBeginning: false)
            $0.drawAtRandom(seed: 7)
            $0.ignoresEndOfGeneration = true
            $0.maximumTokens = 60
            $0.reasoning = nil
        }
    }

    private func report(_ handle: GenerationHandle, _ bench: ControlBench) throws -> GenerationReport {
        guard case .status(let report) = bench.order(.status, handle) else { throw NoStatus() }
        return report
    }
    private struct NoStatus: Error {}

    /// Lets others use all the room that there is.
    private func fill(_ bench: ControlBench, _ room: Room) throws {
        let others = try (1...3).map { try submit(bench, salt: $0, prompt: room == .cells ? 350 : 150) }
        for other in others {
            bench.run(other)
            #expect(bench.answer(other).tokens.count == 60)
        }
    }

    @Test(arguments: models, Room.allCases) func whatIsKeptIsNotComputedAgain(model: String, room: Room) throws {
        let bench = try bench(model, room)
        let whole = try submit(bench, salt: 0)
        bench.run(whole)
        let paused = try submit(bench, salt: 0)
        bench.run(paused, to: 25)
        let memory = try report(paused, bench).memoryTokens
        bench.order(.pause, paused)
        try fill(bench, room)
        let parked = try report(paused, bench)
        #expect(parked.memoryTokens == 0)
        #expect(parked.shelvedTokens >= memory)
        #expect(bench.loop.shelf.byteCount > 0)
        let before = bench.board.copy.counters
        let count = bench.answer(paused).tokens.count
        #expect(bench.order(.resume, paused) == .applied(.resumed, token: count))
        bench.run(paused)
        let after = bench.board.copy.counters
        #expect(bench.answer(paused).tokens == bench.answer(whole).tokens)
        #expect(bench.answer(paused).starts == 1)
        #expect(after.promptTokens == before.promptTokens)
        #expect(after.decodes == before.decodes + UInt64(60 - count))
        #expect(bench.loop.shelf.byteCount == 0)
    }

    @Test(arguments: models, Room.allCases) func whatFindsNoRoomIsComputedAgain(model: String, room: Room) throws {
        let bench = try bench(model, room, shelf: 1_000)
        let whole = try submit(bench, salt: 0)
        bench.run(whole)
        let paused = try submit(bench, salt: 0)
        bench.run(paused, to: 25)
        bench.order(.pause, paused)
        try fill(bench, room)
        #expect(try report(paused, bench).shelvedTokens == 0)
        let before = bench.board.copy.counters
        bench.order(.resume, paused)
        bench.run(paused)
        #expect(bench.board.copy.counters.promptTokens > before.promptTokens)
        let (tokens, wanted) = (bench.answer(paused).tokens, bench.answer(whole).tokens)
        #expect(tokens.count == 60)
        // Windows and hybrid layers round otherwise when several tokens are computed at once.
        let count = ["swa", "hybrid"].contains { model.contains($0) } ? 25 : 60
        #expect(tokens.prefix(count) == wanted.prefix(count))
    }

    @Test(arguments: models) func aPausedAnswerGivesUpTheSequenceThatARequestNames(model: String) throws {
        let bench = try bench(model, .sequences)
        func submit(salt: Int, slot: Int?) throws -> GenerationHandle {
            try bench.submit("") {
                $0.prompt = Prompt(pieces: [.tokens(MemoryKindTests.tokens(40, salt))], addsBeginning: false)
                $0.ignoresEndOfGeneration = true
                $0.maximumTokens = 30
                $0.reasoning = nil
                $0.slot = slot
            }
        }
        let whole = try submit(salt: 0, slot: 1)
        bench.run(whole)
        let paused = try submit(salt: 0, slot: 1)
        bench.run(paused, to: 10)
        bench.order(.pause, paused)
        // The other sequence is idle, and not what is wanted.
        let other = try submit(salt: 1, slot: 1)
        bench.run(other)
        #expect(bench.answer(other).tokens.count == 30)
        #expect(bench.answer(other).completion?.slot == 1)
        #expect(!bench.answer(paused).isEnded)
        bench.order(.resume, paused)
        bench.run(paused)
        #expect(bench.answer(paused).tokens == bench.answer(whole).tokens)
    }

    @Test func aRequestForABusySequenceTakesNoOther() throws {
        let bench = try bench(TestModels.fledgling, .sequences)
        func submit(slot: Int) throws -> GenerationHandle {
            try bench.submit("Hello") {
                $0.slot = slot
                $0.ignoresEndOfGeneration = true
                $0.maximumTokens = 60
            }
        }
        let (paused, busy) = (try submit(slot: 0), try submit(slot: 1))
        bench.run(busy, to: 5)
        bench.order(.pause, paused)
        let waiting = try submit(slot: 1)
        for _ in 0..<5 { _ = bench.loop.takeTurn() }
        #expect(try report(paused, bench).memoryTokens > 0, "nobody needs the paused answer's sequence")
        bench.run(waiting)
        #expect(bench.answer(waiting).completion?.slot == 1)
    }

    @Test func aForkTakesTheSequencesOfPausedAnswers() throws {
        let bench = try bench(TestModels.fledgling, .sequences)
        let paused = try submit(bench, salt: 0)
        bench.run(paused, to: 10)
        bench.order(.pause, paused)
        let original = try submit(bench, salt: 1)
        bench.run(original, to: 10)
        let fork = bench.newHandle()
        bench.order(.fork([ForkedGeneration(handle: fork, changes: .seed(3))]), original)
        bench.run(fork)
        #expect(bench.answer(fork).tokens.count == 60)
        bench.order(.resume, paused)
        bench.run(paused)
        #expect(bench.answer(paused).tokens.count == 60)
    }

    @Test func othersDoNotWaitForAPausedChoiceToReadTheirPrompt() throws {
        let bench = try ControlBench(sequences: 2, context: 2_048)
        func submit(_ leader: GenerationHandle?) throws -> GenerationHandle {
            try bench.submit("") {
                // More than one decode takes.
                $0.prompt = Prompt(pieces: [.tokens(MemoryKindTests.tokens(1_400, 0))], addsBeginning: false)
                $0.ignoresEndOfGeneration = true
                $0.maximumTokens = 20
                $0.reasoning = nil
                $0.promptLeader = leader
            }
        }
        let leader = try submit(nil)
        let follower = try submit(leader)
        _ = bench.loop.takeTurn()
        #expect(bench.answer(leader).starts == 1 && bench.answer(leader).tokens.isEmpty)
        bench.order(.pause, leader)
        bench.run(follower)
        #expect(bench.answer(follower).tokens.count == 20)
        #expect(bench.answer(leader).tokens.isEmpty)
    }

    @Test func oneThatEndsWhileItIsParkedLeavesNothing() throws {
        let bench = try bench(TestModels.fledgling, .sequences)
        let paused = try submit(bench, salt: 0)
        bench.run(paused, to: 10)
        bench.order(.pause, paused)
        try fill(bench, .sequences)
        #expect(bench.loop.shelf.byteCount > 0)
        bench.order(.stop(reason: nil), paused)
        #expect(bench.answer(paused).isEnded)
        #expect(bench.loop.shelf.byteCount == 0)
    }

    private func handle(_ number: UInt64) -> GenerationHandle { GenerationHandle(rawValue: number) }

    private func state(_ count: Int) -> StateShelf.State {
        .init(bytes: Array(repeating: 0, count: count), tokenCount: count)
    }

    @Test func aKeptStateCountsUpToTheShortestCut() {
        var shelf = StateShelf(limit: 100)
        shelf.put(state(30), for: handle(1))
        for (cut, count) in [(40, 30), (20, 20), (25, 20), (0, 0), (10, 0)] {
            shelf.cut(handle(1), to: cut)
            #expect(shelf.tokenCount(of: handle(1)) == count, "\(cut)")
        }
        #expect(shelf.byteCount == 0)
    }

    @Test func theLongestThereMakesRoomForOthers() {
        var shelf = StateShelf(limit: 100)
        for number in 1...3 as ClosedRange<UInt64> {
            let fits = shelf.makeRoom(for: 30)
            #expect(fits)
            shelf.put(state(30), for: handle(number))
        }
        let tooMuch = shelf.makeRoom(for: 101)
        #expect(!tooMuch && shelf.byteCount == 90)
        let much = shelf.makeRoom(for: 50)
        #expect(much && shelf.byteCount == 30)
        #expect([1, 2, 3].map { shelf.tokenCount(of: handle($0)) } == [0, 0, 30])
        shelf.put(state(50), for: handle(3))
        #expect(shelf.byteCount == 50)
        let (removed, again) = (shelf.remove(handle(3)), shelf.remove(handle(3)))
        #expect(removed?.tokenCount == 50 && again == nil)
        #expect(shelf.byteCount == 0)
    }
}
