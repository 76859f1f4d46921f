import Llama
import MartletProtocol
import Testing

@testable import MartletEngine

/// Owners with the same prompts, under cache pressure, cancellations, pauses and preemptions.
@Suite struct CacheIsolationTests {
    /// The cells of libllama, the entries, the ledger and the tree agree.
    static func check(_ core: EngineCore, _ location: SourceLocation = #_sourceLocation) {
        let cache = core.kvCache
        for entry in cache.entries {
            let number = entry.id.rawValue
            let last = cache.context.positions(of: number)?.upperBound ?? -1
            #expect(last == entry.count - 1, sourceLocation: location)
            #expect(cache.ledger.count(of: number) == entry.count, sourceLocation: location)
            #expect(entry.exactCount <= entry.count, sourceLocation: location)
            let known = cache.items(of: entry.id)
            guard let slot = entry.slot else {
                #expect(known.count == entry.count, sourceLocation: location)
                continue
            }
            guard let sequence = core.scheduler.running[slot] else {
                Issue.record("entry \(number) has no sequence in slot \(slot)", sourceLocation: location)
                continue
            }
            #expect(sequence.entry == entry.id && sequence.slot == slot, sourceLocation: location)
            // The tree may lag behind the newest output, and has nothing of a truncated history.
            #expect(
                sequence.isTruncated ? known.isEmpty : known == Array(sequence.history.prefix(known.count)),
                sourceLocation: location)
            #expect(sequence.isTruncated || entry.count <= sequence.history.count, sourceLocation: location)
            if !sequence.isTruncated, entry.key.scope != sequence.request.tenant.cacheScope {
                Issue.record("entry \(number) has another scope than its sequence", sourceLocation: location)
            }
        }
        if cache.isUnified { #expect(cache.usedCount <= cache.capacity, sourceLocation: location) }
    }

    static let models =
        [TestModels.fledgling]
        + ["micro-swa", "micro-hybrid", "micro-mamba"].map(TestModels.random).filter(TestModels.exists)

    @Test(arguments: models, [false, true])
    func cachedTokensAreTheOverlapWithinTheScope(model: String, isUnified: Bool) throws {
        var random = CounterRandom(seed: isUnified ? 3 : 4)
        let bench = try ControlBench(
            model: model, sequences: 4, context: isUnified ? 1_536 : 1_024, usesUnifiedKV: isUnified,
            entries: isUnified ? 12 : 4)
        struct Run {
            var scope: UInt64
            var prompt: [Int32]
            var handle: GenerationHandle
        }
        var runs: [Run] = []
        for _ in 0..<70 {
            // Every scope sends the same few prompts, with its own rest: a canary.
            let scope = UInt64(random.next(below: 8))
            let earlier = runs.filter { $0.scope == scope }
            var prompt = (0..<(100 + 90 * random.next(below: 3))).map { Int32(20 + $0 % 200) }
            if let last = earlier.last, random.next(below: 2) == 0 {
                prompt = last.prompt + bench.completion(last.handle).tokens
            }
            prompt = prompt.prefix(500) + (0..<20).map { _ in Int32(300 + Int(scope) * 10 + random.next(below: 10)) }
            let handle = try bench.submit("") {
                $0.prompt = Prompt(pieces: [.tokens(prompt)], addsBeginning: false)
                $0.parameters.maximumTokens = 12
                $0.parameters.ignoresEndOfGeneration = true
                $0.reasoning = nil
                $0.tenant.cacheScope = scope
            }
            runs.append(Run(scope: scope, prompt: prompt, handle: handle))
            for _ in 0..<random.next(below: 7) {
                _ = bench.loop.runStep()
                Self.check(bench.loop.core)
            }
            let victim = runs[random.next(below: runs.count)].handle
            switch random.next(below: 12) {
            case 0: bench.mailbox.post(.cancel(victim))
            case 1: _ = bench.post(.pause, victim)
            case 2: _ = bench.post(.resume, victim)
            case 3, 4:
                let running = bench.loop.core.scheduler.runningSequence(victim)
                if let running, !running.isResting { bench.loop.core.preempt(running) }
            default: break
            }
        }
        for run in runs {
            _ = bench.post(.resume, run.handle)
            bench.run(run.handle)
            Self.check(bench.loop.core)
        }
        for run in runs {
            let completion = bench.completion(run.handle)
            #expect(completion.error == nil)
            #expect(completion.isEnded)
            let overlap =
                runs.filter { $0.scope == run.scope && $0.handle != run.handle }
                .map { other in
                    let items = other.prompt + bench.completion(other.handle).tokens
                    return PrefixTree.commonPrefix(items[...], run.prompt[...])
                }
                .max() ?? 0
            // A preempted sequence may find its own items again; the first start counts, when it had none.
            #expect(completion.cachedTokens <= overlap)
        }
    }
}
