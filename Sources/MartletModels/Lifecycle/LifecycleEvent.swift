/// The number of a model in a `LifecyclePolicy`.
package struct ModelNumber: Sendable, Hashable, Comparable, CustomStringConvertible {
    package var rawValue: Int

    /// Creates a number.
    package init(_ rawValue: Int) { self.rawValue = rawValue }

    package var description: String { "\(rawValue)" }

    /// The order of registration.
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// The number of a request that needs a model. Each number is used once.
package struct RequestNumber: Sendable, Hashable {
    package var rawValue: UInt64

    /// Creates a number.
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// Bytes of host memory and of each device, in the devices' order.
package struct MemoryAmount: Sendable, Equatable {
    /// Host memory first.
    package var bytes: [UInt64]

    /// Creates an amount; places that are not named have no bytes.
    package init(_ bytes: UInt64...) { self.bytes = bytes }

    /// The amount of a plan.
    package init(_ plan: MemoryPlan) { bytes = plan.shares.map(\.total) }

    /// The amount of a plan among these devices. The plan's devices are some of them, in any order.
    package init(_ plan: MemoryPlan, among devices: [String]) {
        bytes = [plan.host.total]
        for name in devices { bytes.append(plan.devices.first { $0.device == name }?.total ?? 0) }
    }

    /// Whether each place has at least the bytes that `other` needs there.
    package func covers(_ other: MemoryAmount) -> Bool {
        other.bytes.indices.allSatisfy { other.bytes[$0] <= (bytes.indices.contains($0) ? bytes[$0] : 0) }
    }

    /// The sum of two amounts.
    package static func + (left: MemoryAmount, right: MemoryAmount) -> MemoryAmount {
        var result = left
        for (index, bytes) in right.bytes.enumerated() {
            if index < result.bytes.count {
                let (sum, overflow) = result.bytes[index].addingReportingOverflow(bytes)
                result.bytes[index] = overflow ? .max : sum
            } else {
                result.bytes.append(bytes)
            }
        }
        return result
    }
}

/// An input of `LifecyclePolicy`.
package enum LifecycleEvent: Sendable, Equatable {
    /// A request needs the model.
    ///
    /// `keepAlive` overrides the model's own value from the admission of the request until the model is unloaded or an
    /// admitted request states another one. A request without `loadsOnDemand` waits only for a load that has begun.
    case request(RequestNumber, ModelNumber, keepAlive: LifecyclePolicy.KeepAlive? = nil, loadsOnDemand: Bool = true)
    /// A request continues work that the model does, such as a fork of a running generation. It is admitted at once also
    /// while the model drains, and refused if the model is not loaded.
    case continuation(RequestNumber, ModelNumber)
    /// The request ended: its generation is complete, or its client left.
    case ended(RequestNumber)
    /// A load without a request, e.g. `POST /models/load`.
    case load(ModelNumber)
    /// An unload, e.g. `POST /models/unload`. Without `force` running generations may end first.
    case unload(ModelNumber, force: Bool)
    case download(ModelNumber)
    case cancelDownload(ModelNumber)
    /// The download's process ended; `nil` = the files are complete.
    case downloadEnded(ModelNumber, problem: String?)
    /// The worker serves. `used` is the memory that it really uses; `nil` = not measured.
    case ready(ModelNumber, used: MemoryAmount?)
    /// The load or the worker ended for good, with a predicate that follows the model's name.
    case failed(ModelNumber, reason: String)
    /// The load ended because memory was short, with a predicate that follows the model's name. `used` is the need that
    /// became apparent; `nil` = unknown.
    case outOfMemory(ModelNumber, used: MemoryAmount?, reason: String = LifecyclePolicy.shortageReason)
    /// The worker of a loaded model died because memory was short, and begins again.
    case shortage(ModelNumber)
    /// The worker of a loaded model uses this memory.
    case measured(ModelNumber, used: MemoryAmount)
    /// The worker that had to end has ended.
    case stopped(ModelNumber)
    /// The memory that all models together may use has changed.
    case capacity(MemoryAmount)
    case pin(ModelNumber, Bool)
    /// Time has passed. `LifecyclePolicy.nextDeadline` says when this event is due.
    case tick
}

/// An order of `LifecyclePolicy` to its environment.
package enum LifecycleAction: Sendable, Equatable {
    /// Start a worker. The environment answers with `ready`, `failed` or `outOfMemory`.
    case startLoad(ModelNumber)
    /// End the worker. `kills` = at once, its generations included. The environment answers with `stopped`.
    case stop(ModelNumber, kills: Bool)
    case startDownload(ModelNumber)
    case cancelDownload(ModelNumber)
    /// The model serves the request now.
    case admit(RequestNumber, ModelNumber)
    case refuse(RequestNumber, LifecycleRefusal)
    /// The generations of the model did not end before the deadline, so it remains loaded.
    case unloadAbandoned(ModelNumber)
}

/// The reason why a request gets no model.
package enum LifecycleRefusal: Sendable, Equatable {
    /// The model needs more than all models may use.
    case tooLarge(needed: MemoryAmount, capacity: MemoryAmount)
    /// The model needs more than the pinned models that are loaded leave free.
    case tooLargeBesidePinned(needed: MemoryAmount, free: MemoryAmount)
    /// As many pinned models are loaded as models may be.
    case tooMany(limit: Int)
    /// A predicate that follows the model's name.
    case failed(String)
    /// The model is not loaded, and the request does not load it.
    case notLoaded
    /// No file of the model is on this machine.
    case absent
    case unloaded
}
