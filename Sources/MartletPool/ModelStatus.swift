package import MartletModels
package import MartletProtocol

/// A model and its state at one moment, for lists and events.
package struct ModelStatus: Sendable {
    package var definition: ModelDefinition
    package var phase: LifecyclePolicy.Phase
    /// The progress of the load that runs; nil while no load runs.
    package var load: LoadProgress?
    /// The progress of the download that runs; nil while no download runs.
    package var download: DownloadState?
    /// The numbers of running and of waiting requests.
    package var requests: (running: Int, waiting: Int)
    /// The facts of the last load; nil before the first one.
    package var information: ModelInformation?
    /// The reason of the last failure; nil after a load that succeeded.
    package var lastError: String?
    /// The largest fraction of the load or download so far.
    package var fraction: Double?
    /// Whether the worker has died and is being replaced; the model's generations continue then.
    package var isRestarting = false
    /// The memory of a load by the plan; nil before the first load. Host memory first.
    package var plan: MemoryAmount?
    /// The memory that the policy counts: the plan, or more if a worker has used more.
    package var needs = MemoryAmount()
    /// The memory of the worker's process; nil while no worker runs.
    package var memory: WorkerMemory?
    /// Whether a request or a command waits for a load or a download, which has not ended.
    package var isPending = false

    package var name: String { definition.model.name }
}

/// The bytes of a download, per address.
package struct DownloadState: Sendable, Equatable {
    /// The bytes of one file.
    package struct File: Sendable, Equatable {
        package var address: String
        package var doneByteCount: UInt64
        package var totalByteCount: UInt64

        /// Makes the state of a file.
        package init(address: String, doneByteCount: UInt64, totalByteCount: UInt64) {
            self.address = address
            self.doneByteCount = doneByteCount
            self.totalByteCount = totalByteCount
        }
    }
    package var files: [File]

    /// Makes the state of a download.
    package init(files: [File]) { self.files = files }

    /// The finished part of all bytes, 0 to 1.
    package var fraction: Double {
        let total = files.reduce(0.0) { $0 + Double($1.totalByteCount) }
        return total > 0 ? min(1, files.reduce(0.0) { $0 + Double($1.doneByteCount) } / total) : 0
    }
}
