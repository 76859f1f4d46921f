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
        models += presetModels(among: models)
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

    /// The items of a list with commas.
    private static func list(_ text: String?) -> [String] {
        (text ?? "").split(separator: ",").map { item in
            var item = item.drop { $0 == " " }
            while item.last == " " { item.removeLast() }
            return String(item)
        }.filter { !$0.isEmpty }
    }
}
