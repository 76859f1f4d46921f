import Testing

@testable import MartletEngine

@Suite struct SpeculationPolicyTests {
    /// A machine whose decode lasts 50 ms and `slope` ms for each further row, and a request with a manual clock.
    private struct Simulation {
        var cost = StepCost()
        var policy = SpeculationPolicy()
        let slope: Double
        let plain = 50e6
        var sequences = 1
        var draftingTime = 0.0
        /// The time so far, and the tokens of the request.
        var time = 0.0
        var tokens = 0
        var drafted = 0

        init(slope: Double, sequences: Int = 1) {
            self.slope = slope
            self.sequences = sequences
            cost.observe(sequences: sequences, rows: sequences, nanoseconds: duration(sequences))
        }

        /// A further request of the same engine, which has measured drafts already.
        init(after earlier: Simulation) {
            slope = earlier.slope
            sequences = earlier.sequences
            cost = earlier.cost
        }

        func duration(_ rows: Int) -> Double { plain + Double(rows - sequences) * slope * 1e6 }

        /// One step, in which `accepts` says whether the draft token with this number is accepted.
        mutating func step(
            _ confidence: SpeculationPolicy.Confidence?, limit: Int = 48, accepts: (_ position: Int) -> Bool
        ) {
            var situation = SpeculationPolicy.Situation(
                sequences: sequences, rows: sequences, expectedTokens: Double(sequences))
            situation.draftingTime = draftingTime
            let length = confidence.map { policy.draftLength(limit: limit, $0, cost, situation) } ?? 0
            let duration = duration(sequences + length)
            cost.observe(sequences: sequences, rows: sequences + length, nanoseconds: duration)
            let accepted = (0..<length).prefix { accepts($0) }.count
            let drafting = Double(length) * draftingTime
            if length > 0, let confidence {
                let saved = Double(accepted) * plain / Double(sequences)
                policy.recordDraft(
                    drafted: length, accepted: accepted, confidence, loss: duration - plain + drafting - saved)
            }
            policy.recordStep(share: duration / Double(sequences), plainShare: plain / Double(sequences))
            time += duration + drafting
            tokens += 1 + accepted
            drafted += length
        }

        /// The speed compared to steps without drafts.
        var ratio: Double { Double(tokens) * plain / time }
    }

    @Test func repeatedTextIsFaster() {
        var simulation = Simulation(slope: 5)
        for _ in 0..<100 { simulation.step(.high) { $0 < 12 } }
        #expect(simulation.ratio > 3, "\(simulation.ratio)")
    }

    /// Whatever the pattern of accepted tokens, the loss stays below 3 % of a request of 500 tokens.
    @Test(arguments: [0.5, 5, 25, 50])
    func lossIsBoundedForEveryPatternOfAcceptance(slope: Double) {
        var first = Simulation(slope: slope)
        for _ in 0..<100 { first.step(.high) { _ in true } }
        for pattern in 0..<40 {
            var simulation = Simulation(after: first)
            let seed = UInt64(pattern)
            // Adversarial patterns: never, rarely, in bursts, and the opposite of what happened last.
            let probability = [0, 0.05, 0.2, 0.5, 0.8][pattern % 5]
            var number = 0
            while simulation.tokens < 500 {
                let hasMatch = CounterRNG.uniform(seed: seed, index: number * 3) < [1, 0.3][pattern / 5 % 2]
                let confidence = SpeculationPolicy.Confidence(
                    rawValue: Int(CounterRNG.uniform(seed: seed, index: number * 3 + 1) * 4))
                let isBurst = pattern >= 20 && number / 30 % 2 == 0
                simulation.step(hasMatch ? confidence : nil) { position in
                    !isBurst
                        && CounterRNG.uniform(seed: seed, index: number * 100 + position, for: .exclusion) < probability
                }
                number += 1
            }
            #expect(simulation.ratio > 0.97, "pattern \(pattern): \(simulation.ratio)")
        }
    }

    @Test func uselessDraftsAreTriedEverMoreRarely() {
        var simulation = Simulation(slope: 25)
        for _ in 0..<200 { simulation.step(.low) { _ in false } }
        let first = simulation.drafted
        for _ in 0..<1_000 { simulation.step(.low) { _ in false } }
        #expect(first > 0)
        #expect(simulation.drafted - first < 40, "\(simulation.drafted)")
    }

    @Test func textThatBeginsToRepeatIsDraftedAgain() {
        var simulation = Simulation(slope: 5)
        for _ in 0..<300 { simulation.step(.medium) { _ in false } }
        let (tokens, time) = (simulation.tokens, simulation.time)
        for _ in 0..<300 { simulation.step(.medium) { _ in true } }
        let ratio = Double(simulation.tokens - tokens) * simulation.plain / (simulation.time - time)
        #expect(ratio > 1.5, "\(ratio)")
    }

    /// With 16 sequences on a busy processor each row costs as much as a token is worth.
    @Test func manySequencesDoNotDraftWhereRowsAreExpensive() {
        var simulation = Simulation(slope: 50.0 / 16, sequences: 16)
        for _ in 0..<400 { simulation.step(.medium) { _ in false } }
        #expect(simulation.ratio > 0.97 / 16 * 1, "\(simulation.ratio)")
        #expect(simulation.drafted < 100, "\(simulation.drafted)")
    }

    @Test func aSlowDraftModelIsNotUsed() {
        var simulation = Simulation(slope: 1)
        simulation.draftingTime = 60e6
        for _ in 0..<400 { simulation.step(.model, limit: 16) { _ in true } }
        #expect(simulation.ratio > 0.97, "\(simulation.ratio)")
        #expect(simulation.drafted < 20, "\(simulation.drafted)")
    }

    /// The durations of the comment at `StepCost`: two rows cost three plain decodes, and sixteen cost seven.
    @Test func usefulLengthsAreFoundWhereFewRowsAreExpensive() {
        let durations = [1: 46, 2: 145, 3: 189, 4: 187, 5: 227, 6: 243, 7: 220, 8: 198, 10: 362, 12: 374, 16: 335]
        var cost = StepCost()
        var policy = SpeculationPolicy()
        cost.observe(sequences: 1, rows: 1, nanoseconds: 46)
        var (time, tokens) = (0.0, 0)
        for _ in 0..<120 {
            let length = policy.draftLength(
                limit: 48, .high, cost, .init(sequences: 1, rows: 1, expectedTokens: 1))
            let rows = StepCost.rowCounts.first { $0 >= 1 + length } ?? 64
            let duration = Double(durations[rows] ?? 23 * rows)
            cost.observe(sequences: 1, rows: 1 + length, nanoseconds: duration)
            if length > 0 {
                policy.recordDraft(
                    drafted: length, accepted: length, .high, loss: duration - 46 - Double(length) * 46)
            }
            policy.recordStep(share: duration, plainShare: 46)
            time += duration
            tokens += 1 + length
        }
        #expect(Double(tokens) * 46 / time > 1.8, "\(Double(tokens) * 46 / time)")
    }

    @Test func nothingIsDraftedBeforeAPlainDecodeWasMeasured() {
        var policy = SpeculationPolicy()
        let situation = SpeculationPolicy.Situation(sequences: 1, rows: 1, expectedTokens: 1)
        #expect(policy.draftLength(limit: 8, .high, StepCost(), situation) == 0)
        var cost = StepCost()
        cost.observe(sequences: 1, rows: 1, nanoseconds: 1e6)
        #expect(policy.draftLength(limit: 8, .high, cost, situation) > 0)
        #expect(policy.draftLength(limit: 0, .high, cost, situation) == 0)
    }

    @Test func costBetweenMeasuredRowsIsALine() throws {
        var cost = StepCost()
        cost.observe(sequences: 2, rows: 2, nanoseconds: 10)
        cost.observe(sequences: 2, rows: 6, nanoseconds: 30)
        #expect(cost.nanoseconds(sequences: 2, rows: 4) == 20)
        #expect(cost.nanoseconds(sequences: 2, rows: 16) == 30)
        #expect(cost.mostMeasuredRows(sequences: 2) == 6)
        #expect(cost.nanoseconds(sequences: 3, rows: 3) == nil)
        #expect(cost.hasBaseline(sequences: 2))
        #expect(!cost.hasBaseline(sequences: 1))
        // One slow decode hardly changes a mean of many.
        for _ in 0..<20 { cost.observe(sequences: 1, rows: 1, nanoseconds: 10) }
        cost.observe(sequences: 1, rows: 1, nanoseconds: 1_000_000)
        #expect(try #require(cost.nanoseconds(sequences: 1, rows: 1)) < 11)
    }
}
