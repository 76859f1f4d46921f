package import MartletGenerations
internal import MartletModels
package import MartletStreams
internal import MartletText
internal import Synchronization

/// The directory of requests: which model a name means.
extension ModelPool {
    /// The models of the sources, and loaded models that are gone from the sources.
    package var all: [ModelHandle] {
        state.withLock { state in
            state.entries.filter { !$0.isGone || $0.worker != nil }.map(\.handle)
        }
    }

    /// The model that a request means, after `Settings.nameMap`; an unknown name reads the sources again first.
    package func model(named name: String?) throws(GenerationError) -> ModelHandle {
        guard let name, !name.isEmpty else { return try defaultModel() }
        return try ownModel(named: settings.nameMap.target(of: name))
    }

    /// The model with one of the names of the sources.
    private func ownModel(named name: String) throws(GenerationError) -> ModelHandle {
        switch look(up: name) {
        case .model(let handle, _): return handle
        case .invalid(let rule): throw .field("model", "The name \(rule)")
        case .unknown(let nearest):
            let advice = nearest.map { "; did you mean \"\($0)\"?" } ?? "; GET /v1/models lists all models"
            throw .unknownModel("Field 'model': There is no model \"\(name.excerpt(bytes: 256))\"\(advice)")
        }
    }

    /// The model of a journal, by any of its names. A model that is gone and not loaded is not found, and its generations
    /// fail.
    package func model(ofJournal name: String) -> ModelHandle? { try? ownModel(named: name) }

    /// No warning: the named model answers, or the request is refused.
    package func warning(about name: String?) -> String? { nil }

    /// The result of looking up a name.
    enum Found {
        case model(ModelHandle, ModelNumber)
        case unknown(nearest: String?)
        case invalid(String)
    }

    /// Finds a model by a name of the registry. A name that is unknown is looked up again after a scan, if a folder has
    /// changed since the last scan or that scan was a second ago.
    func look(up name: String) -> Found {
        let found = lookUpNow(name)
        guard case .unknown = found, maySourcesDiffer, (try? rescan()) != nil else { return found }
        return lookUpNow(name)
    }

    private func lookUpNow(_ name: String) -> Found {
        state.withLock { state in
            switch state.registry.resolve(name) {
            case .model(let model):
                guard let index = state.indexByName[ExactString(model.name)] else { return .unknown(nearest: nil) }
                return .model(state.entries[index].handle, ModelNumber(index))
            case .unknown(let nearest):
                guard let index = Self.hiddenIndex(name, state) else { return .unknown(nearest: nearest) }
                return .model(state.entries[index].handle, ModelNumber(index))
            case .invalid(let rule): return .invalid(rule)
            }
        }
    }

    /// The model of this name or alias that the sources do not have any more, but whose worker has not ended.
    private static func hiddenIndex(_ name: String, _ state: borrowing State) -> Int? {
        state.entries.firstIndex { entry in
            guard entry.isGone, entry.worker != nil else { return false }
            let model = entry.definition.model
            return ([model.name] + model.aliases).contains { $0.hasSameBytes(as: name) }
        }
    }

    /// The model of a request without a name: a default name, the only model, or the only one beside the demo model. Files of
    /// other kinds do not count.
    private func defaultModel() throws(GenerationError) -> ModelHandle {
        let (candidates, entries) = state.withLock { state in
            (settings.defaultNames.compactMap { state.indexByName[ExactString($0)] }, state.entries)
        }
        if let first = candidates.first(where: { !entries[$0].isGone }) { return entries[first].handle }
        let present = entries.filter { !$0.isGone && $0.definition.kind == .model }
        let own = present.filter { $0.definition.model.source != .builtIn }
        if let only = own.count == 1 ? own.first : own.isEmpty ? present.first : nil { return only.handle }
        throw .field(
            "model", "A name is required, because this server has \(own.count) models; GET /v1/models lists them")
    }
}
