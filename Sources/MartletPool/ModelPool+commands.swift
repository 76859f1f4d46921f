internal import MartletGenerations
package import MartletModels
internal import MartletProtocol
package import MartletStreams
internal import Synchronization

/// The commands of operators: lists, loads, unloads, plans, downloads and removals.
extension ModelPool {
    /// All models with their states, by name. Wakes no model.
    /// - Complexity: O(models).
    package var statuses: [ModelStatus] { snapshot.statuses }

    /// Bytes that downloads may still write to their disk; nil if the server downloads nothing.
    package var downloadSpace: UInt64? { downloader?.freeByteCount }

    /// All models that lists show with their states, and the place in the event log behind these states.
    package var snapshot: (statuses: [ModelStatus], cursor: ModelEventLog.Cursor) {
        state.withLock { state in
            let shown = state.entries.indices.filter { index in
                let entry = state.entries[index]
                return entry.isGone ? entry.worker != nil : !entry.definition.model.isHidden
            }
            let statuses = shown.map { Self.status($0, state) }
            return (
                statuses.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }, events.end
            )
        }
    }

    /// The state of one model.
    static func status(_ index: Int, _ state: borrowing State) -> ModelStatus {
        let (entry, number) = (state.entries[index], ModelNumber(index))
        var status = ModelStatus(
            definition: entry.definition, phase: state.policy.phase(of: number), load: entry.load,
            download: entry.download, requests: state.policy.load(of: number),
            information: entry.handle.information, lastError: entry.lastError, fraction: entry.fraction,
            isPending: state.policy.isPending(number))
        (status.isRestarting, status.plan) = (entry.isRestarting, entry.plan)
        status.needs = state.policy.needs(of: number)
        status.memory = entry.worker == nil ? nil : entry.memory?.amount
        if let problem = entry.definition.problem {
            status.lastError = problem
            // A section without a file is absent and has a problem, too.
            if status.phase == .unloaded || status.phase == .absent { status.phase = .failed(problem) }
        }
        return status
    }

    /// The state of the model that a name means.
    /// - Throws: `notFound` for an unknown name.
    package func status(named name: String) throws(GenerationError) -> ModelStatus {
        let number = try number(named: name)
        return state.withLock { Self.status(number.rawValue, $0) }
    }

    /// The number of the model that a name means. An empty name means no model here.
    private func number(named name: String) throws(GenerationError) -> ModelNumber {
        _ = try model(named: name)
        guard case .model(_, let number) = look(up: name) else {
            throw .field("model", "A name is required; GET /v1/models lists all models")
        }
        return number
    }

    /// Begins a load. A model that is loaded already is no error.
    /// - Throws: `notFound`; the reason why the model can never be loaded, with the numbers.
    package func load(_ name: String) throws(GenerationError) -> ModelStatus {
        let number = try number(named: name)
        if let problem = problem(number) { throw GenerationError(.failed, problem) }
        let (refusal, isAbsent) = state.withLock { state in
            let phase = state.policy.phase(of: number)
            let isGone = state.entries[number.rawValue].isGone && phase != .ready && phase != .loading
            return (state.policy.preview(of: number).refusal, isGone || phase == .absent && downloader == nil)
        }
        if isAbsent { throw GenerationError(LifecycleRefusal.absent) }
        if let refusal { throw error(refusal, of: number) }
        apply(.load(number))
        return state.withLock { Self.status(number.rawValue, $0) }
    }

    /// Begins an unload. Without `force` running generations may end first.
    package func unload(_ name: String, force: Bool) throws(GenerationError) -> ModelStatus {
        let number = try number(named: name)
        apply(.unload(number, force: force))
        return state.withLock { Self.status(number.rawValue, $0) }
    }

    /// The consequences of a load, without the load.
    package func plan(_ name: String) throws(GenerationError) -> LoadPreview {
        let number = try number(named: name)
        if let problem = problem(number) { throw GenerationError(.failed, problem) }
        let (status, preview, victims) = state.withLock { state in
            let preview = state.policy.preview(of: number)
            return (
                Self.status(number.rawValue, state), preview,
                preview.victims.map { state.entries[$0.rawValue].definition.model.name }
            )
        }
        return LoadPreview(
            status: status, preview: preview, victims: victims,
            largestContext: largestContext(of: number, in: preview.room))
    }

    /// Deletes the files of a model that is not loaded.
    /// - Parameter remove: deletes the files; throws if they must not be deleted.
    /// - Throws: `conflict` for a model that is loaded, or that a request or a command waits for.
    package func remove(
        _ name: String, _ remove: (RegisteredModel) throws(ModelSourceError) -> UInt64
    ) throws(GenerationError) -> UInt64 {
        let number = try number(named: name)
        let status = state.withLock { Self.status(number.rawValue, $0) }
        guard status.requests.waiting == 0, !status.isPending || status.phase == .downloading else {
            throw GenerationError(.conflict, "A request or a command waits for the model \"\(status.name)\"")
        }
        switch status.phase {
        case .loading, .ready, .draining:
            throw GenerationError(.conflict, "The model \"\(status.name)\" is loaded; unload it first")
        case .downloading: apply(.cancelDownload(number))
        default: break
        }
        do throws(ModelSourceError) {
            let byteCount = try remove(status.definition.model)
            events.append(.removed(model: status.name))
            try rescan()
            return byteCount
        } catch {
            throw GenerationError(.invalidRequest, error.description, field: "model")
        }
    }

    // MARK: Downloads

    /// Begins the download of a model that the sources do not have.
    /// - Returns: false if the model is on this machine already.
    package func download(_ reference: HubReference) throws(GenerationError) -> Bool {
        guard let downloader else {
            throw GenerationError(.notSupported, "This server downloads nothing (--offline)")
        }
        if case .model(_, let number) = look(up: reference.description) {
            let phase = state.withLock { $0.policy.phase(of: number) }
            guard phase == .absent || phase == .downloading else { return false }
            apply(.download(number))
            return true
        }
        let name = reference.description
        let isNew = state.withLock { $0.strayDownloads.insert(name).inserted }
        guard isNew else { return true }
        run(downloader, name, [.repository(reference, file: nil)]) { [weak self] problem in
            guard let self else { return }
            self.state.withLock { _ = $0.strayDownloads.remove(name) }
            if problem == nil { try? rescan() }
        }
        return true
    }

    /// Whether a download of this reference runs. False also before its first call of `download(_:)`.
    package func isDownloading(_ reference: HubReference) -> Bool {
        if case .model(_, let number) = look(up: reference.description) {
            return state.withLock { $0.policy.phase(of: number) == .downloading }
        }
        return state.withLock { $0.strayDownloads.contains(reference.description) }
    }

    /// Runs a download and reports its progress.
    private func run(
        _ downloader: any ModelDownloader, _ name: String, _ origins: [ModelOrigin],
        index: Int? = nil, _ ended: @escaping @Sendable (String?) -> Void
    ) {
        let task = Task {
            let problem = await downloader.download(origins) { [weak self] progress in
                guard let self else { return }
                if let index {
                    self.state.withLock { state in
                        state.entries[index].download = progress
                        state.entries[index].fraction = max(state.entries[index].fraction ?? 0, progress.fraction)
                    }
                    reportWaits(of: ModelNumber(index))
                }
                events.append(.download(model: name, progress))
            }
            events.append(.downloadEnded(model: name, problem: problem))
            ended(problem)
        }
        if let index { state.withLock { $0.entries[index].downloadTask = task } }
    }

    /// Downloads the files of a model that the policy wants.
    func startDownload(_ number: ModelNumber) {
        let definition = state.withLock { $0.entries[number.rawValue].definition }
        guard let downloader, !definition.model.missing.isEmpty else {
            return apply(.downloadEnded(number, problem: "has no repository from which it could be downloaded"))
        }
        run(downloader, definition.model.name, definition.model.missing, index: number.rawValue) {
            [weak self] problem in
            guard let self else { return }
            self.state.withLock { state in
                state.entries[number.rawValue].download = nil
                state.entries[number.rawValue].downloadTask = nil
            }
            if problem == nil { try? rescan() }
            apply(.downloadEnded(number, problem: problem))
        }
    }

    /// Ends the process of a download. The part remains, so the next download continues it.
    func cancelDownload(_ number: ModelNumber) {
        state.withLock { $0.entries[number.rawValue].downloadTask }?.cancel()
    }
}

/// Fetches models into the folders that the sources list.
package protocol ModelDownloader: Sendable {
    /// Downloads the files of all origins, and returns when the processes have ended. A cancelled task ends them.
    /// - Parameter progress: called with the bytes so far, on any thread.
    /// - Returns: the problem as a predicate that follows the model's name; nil = the files are complete.
    func download(_ origins: [ModelOrigin], progress: @escaping @Sendable (DownloadState) -> Void) async -> String?

    /// Bytes that downloads may still write to their disk; nil if the system does not report it. Asks the system at each read.
    var freeByteCount: UInt64? { get }
}
