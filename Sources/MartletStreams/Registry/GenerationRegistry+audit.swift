internal import MartletText
internal import NIOCore
internal import Synchronization

/// Checks of the registry's own counts, for tests and simulations.
extension GenerationRegistry {
    /// Compares the registry's counts with its contents, and the retained generations with the quota.
    ///
    /// To be called while no other thread uses the registry: the locks are acquired one after another.
    /// - Parameter isIdle: whether no client is connected, so that no reader lease may be left.
    /// - Returns: one sentence for each difference; none = all counts are right.
    /// - Complexity: O(running and retained generations).
    package func audit(isIdle: Bool = false) -> [String] {
        let (live, ended, counted, total) = state.withLock { state in
            (
                state.live.filter { $0.key == $0.value.generation.handle }.map(\.value),
                state.retentionStore.allEnded, state.usage, state.totalUsage
            )
        }
        var usage: [Owner: GenerationQuota.Usage] = [:]
        var faults: [String] = []
        for live in live {
            let spec = live.generation.spec
            usage[spec.owner, default: .init()].live += spec.choiceCount
            if spec.isResumable {
                usage[spec.owner, default: .init()].bytes += live.state.withLock { $0.countedByteCount }
            }
            if isIdle { faults.append("generation \(spec.head.id.prefix(6)) runs") }
        }
        for (generation, byteCount) in ended {
            usage[generation.spec.owner, default: .init()].retained += 1
            usage[generation.spec.owner, default: .init()].bytes += byteCount
            if isIdle, generation.readerlessSince == nil {
                faults.append("generation \(generation.spec.head.id.prefix(6)) has a reader lease")
            }
            if isIdle, generation.log.waitingCount > 0 {
                faults.append("a task or a reply waits for generation \(generation.spec.head.id.prefix(6))")
            }
            if generation.log.terminalEvent == nil {
                faults.append("generation \(generation.spec.head.id.prefix(6)) is retained and has not ended")
            }
        }
        if usage != counted { faults.append("the owners' counts are \(counted), but the contents are \(usage)") }
        let sum = usage.values.reduce(into: GenerationQuota.Usage()) { sum, usage in
            sum.live += usage.live
            sum.retained += usage.retained
            sum.bytes += usage.bytes
        }
        if sum != total { faults.append("the total counts are \(total), but the contents are \(sum)") }
        if sum.retained > quota.retained {
            faults.append("\(sum.retained) generations are retained, limit \(quota.retained)")
        }
        if sum.bytes > quota.bytes, sum.retained > 0 {
            faults.append("\(sum.bytes) bytes are counted beside retained generations, limit \(quota.bytes)")
        }
        for (owner, usage) in usage where owner != .open && usage.retained > quota.retainedPerOwner {
            faults.append("\(usage.retained) generations of one owner are retained, limit \(quota.retainedPerOwner)")
        }
        return faults
    }

    /// The running generations of each label that are the label's current one or would be, by label and owner.
    ///
    /// A label has at most one running generation that was admitted, apart from generations that are being cancelled.
    package var runningByLabel: [String: [Generation]] {
        let live = state.withLock { state in
            state.live.filter { $0.key == $0.value.generation.handle }.map(\.value)
        }
        var labelled: [String: [Generation]] = [:]
        for live in live {
            guard let key = live.generation.spec.labelKey, live.state.withLock({ $0.isAdmitted && !$0.isOver }) else {
                continue
            }
            labelled["\(key.owner.rawValue) \(key.label.text)", default: []].append(live.generation)
        }
        return labelled
    }
}

extension GenerationLog {
    /// The number of readers, tasks and replies to commands that wait for events of this log: 0 once the log has ended and
    /// everything in it is visible.
    package var waitingCount: Int {
        state.withLock { $0.armed.count + $0.waiters.count + $0.replies.count }
    }
}
