internal import MartletText

/// The sources of a registry, and the reading of all of them.
package struct ModelSources: Sendable {
    /// Paths of `-m`, in their order.
    package var files: [String] = []
    /// The folder of `--models-dir`; `nil` = none.
    package var folder: String?
    /// The presets of `--models-preset`; `nil` = none.
    package var presets: PresetFile?
    /// The folder of the Hugging Face cache; `nil` = none.
    package var hubFolder: String?
    /// The file of the demo model; `nil` = none.
    package var embeddedPath: String?

    /// Creates sources without any model.
    package init() {}

    /// The name of the demo model.
    package static let embeddedName = "fledgling"

    /// Reads all sources. Folders are listed; no file is opened.
    ///
    /// - Throws: if a named folder cannot be read, or two files of the command line have the same name.
    package func registry() throws(ModelSourceError) -> ModelRegistry {
        var models: [RegisteredModel] = []
        if let embeddedPath {
            models.append(RegisteredModel(name: Self.embeddedName, source: .builtIn, paths: [embeddedPath]))
        }
        if let hubFolder { models += HubCache(folder: hubFolder).models() }
        if let folder { models += try ModelFolder.models(in: folder) }
        share(presets?.shared ?? [], with: &models)
        models += presetModels(among: models)
        hideDuplicates(&models)
        models += try flagModels()
        return ModelRegistry(models)
    }

    /// The models of `-m`. Each is named as its file without the extension.
    private func flagModels() throws(ModelSourceError) -> [RegisteredModel] {
        var paths: [ExactString: String] = [:]
        var models: [RegisteredModel] = []
        for path in files {
            let file = path.split(separator: "/").last.map(String.init) ?? path
            let part = SplitName(file)
            let name = part?.prefix ?? (file.lowercased().hasSuffix(".gguf") ? String(file.dropLast(5)) : file)
            if let earlier = paths.updateValue(path, forKey: ExactString(name)) {
                throw ModelSourceError(
                    "--model: \(earlier) and \(path) have the same name '\(name)'; rename one of them")
            }
            var model = RegisteredModel(name: name, source: .flag, paths: [path])
            if let part, part.count > 1, part.count <= 1_000, part.number == 1 {
                let stem = path.dropLast("-00001-of-00001.gguf".count)
                model.paths = (1...part.count).map { number in
                    "\(stem)-\(Self.padded(number))-of-\(Self.padded(part.count)).gguf"
                }
            }
            models.append(model)
        }
        return models
    }

    private static func padded(_ number: Int) -> String { String(String(number + 100_000).dropFirst()) }

    /// The models of presets: settings of a model of another source, or models of their own.
    private func presetModels(among known: [RegisteredModel]) -> [RegisteredModel] {
        guard let presets else { return [] }
        return presets.sections.map { section in
            var model = RegisteredModel(name: section.name, source: .preset)
            for setting in presets.shared + section.settings { model.set(setting) }
            model.aliases = Self.list(model.setting("alias"))
            model.tags = Self.list(model.setting("tags"))
            model.projectorPath = model.setting("mmproj")
            model.draftPath = model.setting("spec-draft-model")
            if model.draftPath == nil, let text = model.setting(Self.draftRepositoryKey) {
                setDraft(of: &model, from: text, among: known)
            }
            if let path = model.setting("model") {
                model.paths = [path]
            } else if let reference = HubReference(model.setting("hf-repo") ?? section.name) {
                model.repository = reference
                let cached = ModelRegistry(known).resolve(reference.description)
                if case .model(let found) = cached {
                    model.paths = found.paths
                    model.projectorPath = model.projectorPath ?? found.projectorPath
                }
            } else if !known.contains(where: { $0.name.hasSameBytes(as: section.name) }) {
                model.problem = "has no file: its section needs 'model = PATH' or 'hf-repo = ORG/NAME'"
            }
            return model
        }
    }

    /// Keys that select or name one model, so `[*]` does not give them to models of other sources.
    private static let naming: Set<String> = [
        "model", "alias", "tags", "mmproj", "hf-repo", "hf-file", "spec-draft-model", draftRepositoryKey,
    ]

    /// Gives the settings of `[*]` to the models of the cache and of the folder, as llama-server does.
    private func share(_ settings: [RegisteredModel.Setting], with models: inout [RegisteredModel]) {
        for setting in settings where !Self.naming.contains(setting.name) {
            for index in models.indices { models[index].set(setting) }
        }
    }

    /// The key of a draft model in a repository.
    package static let draftRepositoryKey = "spec-draft-hf"
    /// The key that hides files of the cache that a section uses.
    private static let duplicatesKey = "dedup-cache-models"

    /// Sets the draft model of a section to a file of the cache. A repository that is not there is a problem.
    private func setDraft(of model: inout RegisteredModel, from text: String, among known: [RegisteredModel]) {
        guard let reference = HubReference(text),
            case .model(let found) = ModelRegistry(known).resolve(reference.description), let path = found.paths.first
        else {
            let name = text.excerpt(bytes: 256)
            model.problem =
                "needs the draft model \(name), which is not on this machine; 'martlet pull \(name)' fetches it"
            return
        }
        model.draftPath = path
    }

    /// Marks models of the cache whose files a section with `dedup-cache-models` uses. Lists leave them out; their names
    /// still mean them.
    private func hideDuplicates(_ models: inout [RegisteredModel]) {
        let sections = models.filter { model in
            model.source == .preset
                && ["on", "1", "true", "yes"].contains(model.setting(Self.duplicatesKey)?.lowercased())
        }
        let used = Set(sections.flatMap { $0.paths + [$0.draftPath].compactMap { $0 } }.map(ExactString.init))
        for index in models.indices where models[index].source == .cache {
            models[index].isHidden = models[index].paths.contains { used.contains(ExactString($0)) }
        }
    }

    /// The items of a list with commas.
    private static func list(_ text: String?) -> [String] {
        (text ?? "").split(separator: ",").map { item in
            var item = item.drop { $0 == " " }
            while item.last == " " { item.removeLast() }
            return String(item)
        }.filter { !$0.isEmpty }
    }
}
