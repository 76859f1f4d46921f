import Testing

@testable import MartletModels

/// A random environment: workers that load and end after random times, requests that run for random times.
private struct Simulation {
    var bench: PolicyBench
    var random: SplitMix
    let models: [ModelNumber]
    let needs: [UInt64]
    let capacity: UInt64
    /// Events that happen at a step, in order.
    var schedule: [Int: [LifecycleEvent]] = [:]
    var step = 0
    var resident: Set<ModelNumber> = []
    var running: [RequestNumber: ModelNumber] = [:]
    /// The model of each waiting request, and the number of loads that began before the request.
    var waiting: [RequestNumber: (model: ModelNumber, loads: Int)] = [:]
    /// The loads between a request and the load of its model.
    var waits: [RequestNumber: Int] = [:]
    var loadCount = 0
    var largestWait = 0
    var admittedCount = 0
    var refusedCount = 0
    var requestCount: UInt64 = 0

    init(seed: UInt64, modelCount: Int, capacity: UInt64) {
        random = SplitMix(state: seed)
        self.capacity = capacity
        bench = PolicyBench(capacity: capacity)
        var models: [ModelNumber] = []
        var needs: [UInt64] = []
        for _ in 0..<modelCount {
            let need = 1 + random.next() % capacity
            needs.append(need)
            models.append(bench.model(need))
        }
        self.models = models
        self.needs = needs
    }

    mutating func after(_ steps: UInt64, _ event: LifecycleEvent) {
        schedule[step + 1 + Int(random.next() % steps), default: []].append(event)
    }

    mutating func perform(_ actions: [LifecycleAction]) {
        for action in actions {
            switch action {
            case .startLoad(let model):
                loadCount += 1
                resident.insert(model)
                for (request, waiter) in waiting where waiter.model == model {
                    waits[request] = loadCount - waiter.loads
                }
                let used = resident.reduce(0) { $0 + needs[$1.rawValue] }
                #expect(used <= capacity, "memory is exceeded at step \(step)")
                after(5, .ready(model, used: nil))
            case .stop(let model, let kills):
                #expect(kills || !running.values.contains(model), "a generating model is ended at step \(step)")
                after(3, .stopped(model))
            case .admit(let request, let model):
                #expect(resident.contains(model))
                running[request] = model
                admittedCount += 1
                let loads = waiting.removeValue(forKey: request)?.loads ?? loadCount
                largestWait = max(largestWait, waits.removeValue(forKey: request) ?? (loadCount - loads))
                after(20, .ended(request))
            case .refuse(let request, _):
                refusedCount += 1
                waiting[request] = nil
            case .startDownload, .cancelDownload, .unloadAbandoned: Issue.record("unexpected: \(action)")
            }
        }
    }

    mutating func handle(_ event: LifecycleEvent) {
        switch event {
        case .stopped(let model):
            resident.remove(model)
            // A worker that was killed while it loaded never becomes ready.
            for step in schedule.keys { schedule[step]?.removeAll { $0 == .ready(model, used: nil) } }
        case .ended(let request): running[request] = nil
        default: break
        }
        perform(bench.handle(event, after: .milliseconds(100)))
    }

    mutating func run(requests: Int) {
        var left = requests
        while left > 0 || !schedule.isEmpty || !waiting.isEmpty {
            step += 1
            guard step < 200_000 else {
                Issue.record("\(waiting.count) requests starve")
                return
            }
            if left > 0, random.next() % 3 == 0 {
                left -= 1
                requestCount += 1
                let request = RequestNumber(requestCount)
                let model = models[Int(random.next() % UInt64(models.count))]
                waiting[request] = (model, loadCount)
                handle(.request(request, model))
            }
            for event in schedule.removeValue(forKey: step) ?? [] { handle(event) }
            if schedule.isEmpty, left == 0, !waiting.isEmpty { perform(bench.handle(.tick, after: .seconds(1))) }
        }
    }
}

private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

@Suite struct LifecyclePropertyTests {
    /// Every request gets a model or a refusal, memory is never exceeded, no generating model ends, and the wait of a
    /// request for the load of its model is bounded: each other model loads at most once before it.
    @Test(arguments: 0..<60) func nothingStarvesAndSwapsAreBounded(seed: UInt64) {
        let modelCount = 2 + Int(seed % 5)
        var simulation = Simulation(seed: seed + 1, modelCount: modelCount, capacity: 4 + seed % 13)
        simulation.run(requests: 200)
        #expect(simulation.admittedCount + simulation.refusedCount == 200)
        #expect(simulation.refusedCount == 0)
        #expect(simulation.waiting.isEmpty && simulation.running.isEmpty)
        #expect(simulation.largestWait <= modelCount)
    }
}
