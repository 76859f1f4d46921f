import Logging
import MartletGenerations
import MartletModels
import MartletProtocol
import MartletStreams
import Synchronization

extension ModelPool {
    /// Passes the events of one worker to the registry, and its states to the pool.
    private struct WorkerReceiver: EngineEventReceiver {
        let pool: ModelPool
        let number: ModelNumber
        let worker: UInt64

        /// All engines send to one registry: handles of generations are unique among them.
        func receive(_ events: [EngineEvent]) { pool.receiver.receive(events) }

        func engineStateChanged(_ newState: EngineState) { pool.engineStateChanged(newState, of: number, worker) }
    }

    /// Makes and runs the worker of a load.
    func startLoad(_ number: ModelNumber) {
        let (definition, entry, worker) = state.withLock { state in
            state.lastWorker += 1
            return (
                state.entries[number.rawValue].definition, state.entries[number.rawValue], state.lastWorker
            )
        }
        let made: any PoolWorker
        do throws(ModelSourceError) {
            made = try definition.makeWorker(WorkerReceiver(pool: self, number: number, worker: worker))
        } catch {
            return apply(.failed(number, reason: error.description))
        }
        let isStopping = state.withLock { state in
            state.entries[number.rawValue].worker = (worker, made)
            state.runningCount += 1
            return state.isStopping
        }
        // Before the engine is visible, so that no state of the load before is.
        logger.info("loading", metadata: ["model": "\(definition.model.name)"])
        entry.handle.readiness.engineStateChanged(.loading(LoadProgress(stage: .starting, fraction: 0)))
        entry.engine.use(made.engine)
        if isStopping { made.end(kills: true) }
        Task {
            await made.run()
            workerEnded(number, worker)
        }
    }

    /// Ends the worker of a model. The policy learns of the end when the process is gone.
    func stop(_ number: ModelNumber, kills: Bool) {
        guard let worker = state.withLock({ $0.entries[number.rawValue].worker?.value }) else {
            return apply(.stopped(number))
        }
        worker.end(kills: kills)
    }

    /// Records a state of a worker's engine. Thread: the one that delivers the worker's events.
    func engineStateChanged(_ newState: EngineState, of number: ModelNumber, _ worker: UInt64) {
        let index = number.rawValue
        let current = state.withLock { state -> Entry? in
            state.entries[index].worker?.number == worker ? state.entries[index] : nil
        }
        guard let entry = current else { return }
        switch newState {
        case .loading(let progress):
            entry.handle.readiness.engineStateChanged(newState)
            publish(progress, of: index)
        case .ready:
            entry.handle.readiness.engineStateChanged(newState)
            // The policy learns nothing of a restart, so the state of the time before is cleared here.
            state.withLock { state in
                (state.entries[index].load, state.entries[index].fraction) = (nil, nil)
                state.entries[index].lastError = nil
                guard state.entries[index].isRestarting else { return }
                state.entries[index].isRestarting = false
                events.append(.status(Self.status(index, state)))
            }
            logger.info("ready", metadata: ["model": "\(entry.definition.model.name)"])
            apply(.ready(number, used: nil))
            measure(number)
            onReady()
        case .restarting(let error):
            entry.handle.readiness.engineStateChanged(newState)
            state.withLock { state in
                state.entries[index].lastError = error.message
                // The death of a worker that loads belongs to the load.
                guard state.policy.phase(of: number) != .loading else { return }
                state.entries[index].isRestarting = true
                events.append(.status(Self.status(index, state)))
            }
            if error.code == .outOfMemory { apply(.shortage(number)) }
        case .failed(let error):
            // The end that the pool ordered is no failure.
            guard error.code != .shuttingDown else { return }
            fail(number, worker: entry.worker?.value, error)
        }
    }

    /// The worker has given up: the process is gone, and no successor will start.
    private func fail(_ number: ModelNumber, worker: (any PoolWorker)?, _ error: EngineError) {
        let index = number.rawValue
        let log = worker?.lastLogLines ?? []
        let reason = ([error.message] + (log.isEmpty ? [] : ["its log ended with:"] + log)).joined(separator: "\n")
        let entry = state.withLock { state in
            state.entries[index].worker = nil
            state.entries[index].load = nil
            state.entries[index].isRestarting = false
            return state.entries[index]
        }
        entry.engine.use(nil)
        entry.handle.readiness.engineStateChanged(.failed(error))
        logger.error(
            "the model has failed", metadata: ["model": "\(entry.definition.model.name)", "reason": "\(error.message)"])
        if error.code == .outOfMemory, state.withLock({ $0.policy.phase(of: number) }) == .loading {
            apply(.outOfMemory(number, used: nil, reason: reason))
        } else {
            apply(.failed(number, reason: reason))
        }
        worker?.end(kills: false)
    }

    /// Reports the progress of a load, in steps of a hundredth.
    private func publish(_ progress: LoadProgress, of index: Int) {
        defer { reportWaits(of: ModelNumber(index)) }
        state.withLock { state in
            let before = state.entries[index].fraction ?? 0
            let isNewStage = state.entries[index].load?.stage != progress.stage
            state.entries[index].load = progress
            let fraction = max(before, progress.composite)
            guard isNewStage || fraction - before >= 0.01 else { return }
            state.entries[index].fraction = fraction
            guard state.policy.phase(of: ModelNumber(index)) == .loading else { return }
            events.append(.status(Self.status(index, state)))
        }
    }

    /// The process of a worker is gone.
    private func workerEnded(_ number: ModelNumber, _ worker: UInt64) {
        let index = number.rawValue
        let entry = state.withLock { state -> Entry? in
            state.runningCount -= 1
            guard state.entries[index].worker?.number == worker else { return nil }
            state.entries[index].worker = nil
            state.entries[index].load = nil
            state.entries[index].isRestarting = false
            return state.entries[index]
        }
        if let entry {
            entry.engine.use(nil)
            entry.handle.readiness.unload()
            logger.info("unloaded", metadata: ["model": "\(entry.definition.model.name)"])
            switch state.withLock({ $0.policy.phase(of: number) }) {
            case .draining: apply(.stopped(number))
            case .loading, .ready: apply(.failed(number, reason: "the worker process ended"))
            default: break
            }
        }
        let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            guard state.runningCount == 0 else { return [] }
            defer { state.endWaiters = [] }
            return state.endWaiters
        }
        for waiter in waiters { waiter.resume() }
    }
}
