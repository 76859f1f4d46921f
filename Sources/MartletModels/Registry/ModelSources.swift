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
    /// The path at which the file of an address is stored; `nil` for a text that is no address, or without a folder.
    package var downloadPath: @Sendable (_ address: String) -> String? = { _ in nil }

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
            let name =
                SplitName(file)?.prefix ?? (file.lowercased().hasSuffix(".gguf") ? String(file.dropLast(5)) : file)
            if let earlier = paths.updateValue(path, forKey: ExactString(name)) {
                throw ModelSourceError(
                    "--model: \(earlier) and \(path) have the same name '\(name)'; rename one of them")
            }
            models.append(RegisteredModel(name: name, source: .flag, paths: Self.parts(of: path)))
        }
        return models
    }

    /// The paths of all parts of a model by the path of the first one; the path itself if the model is not split.
    static func parts(of path: String) -> [String] {
        guard let part = SplitName(path.split(separator: "/").last.map(String.init) ?? path), part.count > 1,
            part.count <= 1_000, part.number == 1
        else { return [path] }
        let stem = path.dropLast("-00001-of-00001.gguf".count)
        return (1...part.count).map { number in "\(stem)-\(padded(number))-of-\(padded(part.count)).gguf" }
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
            setFiles(of: &model, among: known)
            return model
        }
    }

    /// Keys that select or name one model, so `[*]` does not give them to models of other sources.
    private static let naming: Set<String> = [
        "model", "alias", "tags", "mmproj", "hf-repo", "hf-file", "model-url", "spec-draft-model", draftRepositoryKey,
    ]

    /// Gives the settings of `[*]` to the models of the cache and of the folder, as llama-server does.
    private func share(_ settings: [RegisteredModel.Setting], with models: inout [RegisteredModel]) {
        for setting in settings where !Self.naming.contains(setting.name) {
            for index in models.indices { models[index].set(setting) }
        }
    }

    /// The key that hides files of the cache that a section uses.
    private static let duplicatesKey = "dedup-cache-models"

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
