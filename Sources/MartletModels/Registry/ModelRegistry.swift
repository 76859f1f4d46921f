internal import MartletText

/// All models that can be named, from all sources, and the rules by which a name finds one.
///
/// A value: a rescan makes a new registry. Example: `resolve("org/qwen:q8_0")` finds the cached file of that
/// repository and quantization; `resolve("qwne")` reports `qwen` as the nearest name.
package struct ModelRegistry: Sendable, Equatable {
    /// The result of looking up a name.
    package enum Resolution: Sendable, Equatable {
        case model(RegisteredModel)
        /// The nearest name; `nil` if none is near.
        case unknown(nearest: String?)
        /// The rule that the name breaks, as a predicate.
        case invalid(String)
    }

    /// Sorted by name.
    package private(set) var models: [RegisteredModel] = []
    /// Sentences about names that two models claim. The model that had the name first retains it.
    package private(set) var conflicts: [String] = []
    /// The index of each name and alias.
    private var indexByName: [ExactString: Int] = [:]

    /// Creates a registry of models, in the order of their precedence from low to high.
    ///
    /// Models of the same name and of different sources are merged: the later one overrides files and settings. Of two
    /// models of one source with the same name, the first remains, and `conflicts` names both.
    package init(_ candidates: [RegisteredModel]) {
        var merged: [RegisteredModel] = []
        var indexes: [ExactString: Int] = [:]
        for model in candidates.sorted(by: { $0.source < $1.source }) {
            let key = ExactString(model.name)
            guard let index = indexes[key] else {
                indexes[key] = merged.count
                merged.append(model)
                continue
            }
            if merged[index].source == model.source {
                conflicts.append(
                    "the name '\(model.name)' belongs to \(Self.place(merged[index])), so \(Self.place(model)) is left out"
                )
            } else {
                merged[index] = Self.merge(merged[index], model)
            }
        }
        models = merged.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        for (index, model) in models.enumerated() { indexByName[ExactString(model.name)] = index }
        for (index, model) in models.enumerated() {
            for alias in model.aliases {
                let key = ExactString(alias)
                if let other = indexByName[key] {
                    if other != index {
                        conflicts.append(
                            "the alias '\(alias)' of \(model.name) is the name of \(models[other].name), which retains it"
                        )
                    }
                } else {
                    indexByName[key] = index
                }
            }
        }
    }

    private static func place(_ model: RegisteredModel) -> String {
        model.paths.first ?? "the \(model.source.rawValue)"
    }

    /// The lower model with the files, names and settings of the higher one.
    private static func merge(_ lower: RegisteredModel, _ higher: RegisteredModel) -> RegisteredModel {
        var result = lower
        result.source = higher.source
        if !higher.paths.isEmpty {
            result.paths = higher.paths
            result.problem = higher.problem
        }
        if !higher.aliases.isEmpty { result.aliases = higher.aliases }
        if !higher.tags.isEmpty { result.tags = higher.tags }
        result.projectorPath = higher.projectorPath ?? lower.projectorPath
        result.draftPath = higher.draftPath ?? lower.draftPath
        result.missing = higher.paths.isEmpty && higher.missing.isEmpty ? lower.missing : higher.missing
        result.repository = higher.repository ?? lower.repository
        for setting in higher.settings { result.set(setting) }
        return result
    }

    /// Finds a model by name, by alias, by `org/repo:quant`, or by `org/repo` if the quantization is free.
    ///
    /// Without a quantization, `Q4_K_M` comes before `Q8_0`, and both come before others, as in llama-server. Lookups
    /// compare bytes, so a name never is a path.
    package func resolve(_ name: String) -> Resolution {
        if let rule = ModelName.violation(of: name) { return .invalid(rule) }
        if let index = indexByName[ExactString(name)] { return .model(models[index]) }
        if let reference = HubReference(name) {
            let candidates = models.filter { model in
                guard let repository = model.repository else { return false }
                return repository.repository.hasSameBytes(as: reference.repository)
                    && (reference.quantization == nil || repository.quantization == reference.quantization)
            }
            let preferred = ["Q4_K_M", "Q8_0"]
            let best = candidates.min { left, right in
                rank(left, preferred) < rank(right, preferred)
            }
            if let best { return .model(best) }
        }
        return .unknown(nearest: nearest(to: name))
    }

    private func rank(_ model: RegisteredModel, _ preferred: [String]) -> Int {
        model.repository?.quantization.flatMap { preferred.firstIndex(of: $0) } ?? preferred.count
    }

    /// The name that a typing error or an incomplete name means; `nil` if none is near.
    private func nearest(to name: String) -> String? {
        let names = indexByName.keys.map(\.text).sorted()
        if let nearest = EditDistance.nearest(to: name, among: names) { return nearest }
        // A part of a name, e.g. `qwen3` of `qwen3-0.6b-Q8_0`, in any case of letters.
        let part = name.lowercased()
        return part.utf8.count >= 3 ? names.first { $0.lowercased().contains(part) } : nil
    }
}
