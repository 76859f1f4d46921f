/// The models of a folder (`--models-dir`).
///
///     models/
///       qwen3-0.6b-Q8_0.gguf              the model qwen3-0.6b-Q8_0
///       gemma/                            the model gemma, with its projector
///         gemma-3-4b-Q4_K_M.gguf
///         mmproj-gemma-3-4b.gguf
///       big/                              the model big, in two files
///         big-00001-of-00002.gguf
///         big-00002-of-00002.gguf
///
/// A sub-folder is a model. A sub-folder with several models has one entry for each, named `folder/file`.
package enum ModelFolder {
    /// The beginnings of names of draft models, as in llama-server.
    private static let draftPrefixes = ["mtp-", "dspark-", "dflash-", "eagle3-", "draft-"]

    /// Lists the models of a folder, sorted by name. Only names are read.
    ///
    /// - Throws: if the folder itself cannot be read. A sub-folder that cannot be read is a model with a problem.
    package static func models(in folder: String) throws(ModelSourceError) -> [RegisteredModel] {
        guard FileListing.isFolder(folder) else {
            throw ModelSourceError(
                FileListing.stamp(folder) == nil
                    ? "--models-dir: \(folder) is not there" : "--models-dir: \(folder) is a file, not a folder")
        }
        var models: [RegisteredModel] = []
        var topLevel: [String] = []
        do throws(ModelSourceError) {
            for entry in try FileListing.entries(of: folder) {
                if entry.isFolder {
                    models += subfolder(folder + "/" + entry.name, named: entry.name)
                } else {
                    topLevel.append(entry.name)
                }
            }
        } catch {
            throw ModelSourceError("--models-dir: \(error)")
        }
        // Beside the folders no file belongs to another one. The head of each file then says whether it is a model.
        models += group(topLevel, in: folder, named: nil, hasCompanions: false)
        return models.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    /// The models of a sub-folder.
    private static func subfolder(_ folder: String, named name: String) -> [RegisteredModel] {
        do throws(ModelSourceError) {
            return group(
                try FileListing.entries(of: folder).filter { !$0.isFolder }.map(\.name), in: folder, named: name)
        } catch {
            var model = RegisteredModel(name: name, source: .folder)
            model.problem = error.description
            return [model]
        }
    }

    /// Groups the files of one folder into models. Pure.
    ///
    /// - Parameters:
    ///   - names: the names of files, sorted.
    ///   - name: the name of the sub-folder, which a single model gets with its companions; `nil` for other folders.
    ///   - hasCompanions: whether projectors and draft models belong to other files, so that they are no entries.
    package static func group(
        _ names: [String], in folder: String, named name: String?, hasCompanions: Bool = true
    ) -> [RegisteredModel] {
        var single: [String] = []
        var parts: [String: [SplitName]] = [:]
        var projectors: [String] = []
        var drafts: [String] = []
        for file in names where file.lowercased().hasSuffix(".gguf") {
            if hasCompanions, isProjector(file) {
                projectors.append(file)
            } else if hasCompanions, isDraft(file) {
                drafts.append(file)
            } else if let part = SplitName(file), part.count > 1 {
                parts["\(part.prefix)\n\(part.count)", default: []].append(part)
            } else {
                single.append(file)
            }
        }
        var models = single.map { file in
            RegisteredModel(name: String(file.dropLast(5)), source: .folder, paths: [folder + "/" + file])
        }
        for key in parts.keys.sorted() { models.append(split(parts[key] ?? [], in: folder)) }
        guard let name else { return models }
        if models.isEmpty, let companion = (projectors + drafts).first {
            var model = RegisteredModel(name: name, source: .folder)
            model.problem = "has no model, only \(companion) in \(folder)"
            return [model]
        }
        guard models.count == 1 else {
            return models.map { model in
                var model = model
                model.name = "\(name)/\(model.name)"
                return model
            }
        }
        models[0].name = name
        models[0].projectorPath = projectors.first.map { folder + "/" + $0 }
        models[0].draftPath = drafts.first.map { folder + "/" + $0 }
        if models[0].problem == nil {
            for (files, kind) in [(projectors, "projectors"), (drafts, "draft models")] where files.count > 1 {
                models[0].problem =
                    "has \(files.count) \(kind) (\(files.joined(separator: ", "))); leave one of them in \(folder)"
            }
        }
        return models
    }

    /// The model of a split model's files. A missing file is a problem.
    private static func split(_ parts: [SplitName], in folder: String) -> RegisteredModel {
        let prefix = parts.first?.prefix ?? ""
        let count = parts.first?.count ?? 0
        func file(_ number: Int) -> String { "\(prefix)-\(padded(number))-of-\(padded(count)).gguf" }
        var model = RegisteredModel(
            name: prefix, source: .folder, paths: parts.map(\.number).sorted().map { folder + "/" + file($0) })
        let present = Set(parts.map(\.number))
        if let missing = (1...max(1, min(count, 1_000))).first(where: { !present.contains($0) }) {
            model.problem = "lacks \(file(missing)), one of its \(count) files"
        }
        return model
    }

    private static func padded(_ number: Int) -> String { String(String(number + 100_000).dropFirst()) }

    /// Whether the file's name is that of an encoder of images or audio.
    package static func isProjector(_ file: String) -> Bool { file.lowercased().contains("mmproj") }

    /// Whether the file's name is that of a draft model.
    package static func isDraft(_ file: String) -> Bool { draftPrefixes.contains { file.lowercased().hasPrefix($0) } }
}
