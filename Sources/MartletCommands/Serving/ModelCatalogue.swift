import Llama
import Logging
import MartletEngine
import MartletGGUF
import MartletGenerations
import MartletModels
import MartletPlatform
import MartletPool
import MartletProtocol
import MartletServer
import MartletText
import MartletWorkers

/// Reads the sources of models and makes a definition of each: the worker's arguments, the chat template, the memory.
///
/// Example: the section `[coder]` of a preset with `ctx-size = 8192` gives the worker `--ctx-size=8192` and the model's
/// file. A flag of the command line overrides the section, and the section overrides the file of `--config`.
struct ModelCatalogue: Sendable {
    /// The flags of the command line, without the name of the command.
    var flags: [String]
    /// The settings of the server, which apply to models without settings of their own.
    var values: SettingValues
    /// The folders and files in which models are searched.
    var sources: ModelSources
    /// The program itself, which is also the workers' program.
    var executable: FilePath
    /// The rules for restarts of each worker.
    var restartPolicy: RestartPolicy
    /// The logger of the supervisors.
    var logger: Logger
    /// The devices beside the processor with their free memory at the start, as a short-lived worker reported them.
    var devices: [ReportedDevice] = []

    /// Keys of presets that select or name the model. The others are flags of `martlet serve`.
    private static let ownKeys: Set<String> = Set(
        PresetFile.ownKeys + [
            "model", "alias", "tags", "mmproj", "spec-draft-model",
        ] + ModelSources.originKeys)

    /// The sources that the settings name.
    /// - Parameter downloaded: The path of a model that was downloaded at the start.
    /// - Throws: If the preset file cannot be read.
    static func sources(_ values: SettingValues, downloaded: String?) throws(SettingError) -> ModelSources {
        var sources = ModelSources()
        sources.files = values.modelPaths.isEmpty ? [values.text(.model)].compactMap { $0 } : values.modelPaths
        if let downloaded { sources.files.append(downloaded) }
        sources.folder = values.text(.modelsFolder)
        sources.hubFolder = HubCache.folder(environment: CurrentProcess.environment)
        sources.embeddedPath = try? ModelFile(named: nil, executable: CurrentProcess.executable).path.string
        sources.presets = try presets(values)
        sources.downloadPath = DownloadRequest.path(ofAddress:)
        return sources
    }

    /// The presets of `--models-preset`, or the sections of the file of `--config`; `nil` = there are none.
    private static func presets(_ values: SettingValues) throws(SettingError) -> PresetFile? {
        if let path = values.remotePresetPath {
            guard values.text(.modelsPreset) == nil, !values.hasModelSections else {
                throw SettingError("--hf-repo has a file of presets, which excludes presets of this machine")
            }
            let file = try presets(try SmallFile.text(path, for: "--hf-repo"), path, .hubRepository)
            try RemotePresets.check(file)
            return file
        }
        let key: FlagKey = values.hasModelSections ? .config : .modelsPreset
        guard let path = values.text(key) else { return nil }
        if key == .config, values.text(.modelsPreset) != nil {
            throw SettingError("--models-preset and the sections of \(path) exclude each other")
        }
        var text = try SmallFile.text(path, for: "--\(key.rawValue)")
        // The lines before the sections are settings of the server.
        if key == .config { text = try ConfigurationFile(text, path: path).sections ?? "" }
        return try presets(text, path, key)
    }

    /// Parses presets.
    /// - Throws: With the flag that names the file.
    private static func presets(_ text: String, _ path: String, _ key: FlagKey) throws(SettingError) -> PresetFile {
        do throws(ModelSourceError) {
            return try PresetFile(text, path: path, knownKeys: PresetKeys.all, canonicalKey: PresetKeys.canonical)
        } catch {
            throw SettingError("--\(key.rawValue): \(error)")
        }
    }

    /// Reads all sources, the presets included. Only heads of files that are new are read.
    func scan() throws(ModelSourceError) -> ModelPool.Catalogue {
        var sources = sources
        do throws(SettingError) {
            sources.presets = try Self.presets(values)
        } catch {
            throw ModelSourceError(error.description)
        }
        let registry = try sources.registry()
        let items = ModelListing(registry).items
        return ModelPool.Catalogue(registry: registry, definitions: items.map(definition))
    }

    /// The definition of a model. Wrong settings are the model's problem, and other models are not affected.
    private func definition(_ item: ModelListing.Item) -> ModelDefinition {
        do throws(SettingError) {
            var definition = try definition(item, try values(of: item.model, item.summary))
            definition.problem = item.problem
            return definition
        } catch {
            var definition = ModelDefinition(
                model: item.model, configuration: GenerationConfiguration(),
                plan: { () throws(ModelSourceError) in throw ModelSourceError("has a wrong setting: \(error)") },
                makeWorker: { _ throws(ModelSourceError) in throw ModelSourceError("has a wrong setting: \(error)") })
            (definition.summary, definition.kind) = (item.summary, item.kind)
            definition.problem = item.problem ?? "has a wrong setting: \(error)"
            return definition
        }
    }

    /// The settings of a model: those of the server, or with the section of a preset between flags and `--config`.
    ///
    /// A model that generates no text serves vectors or scores without a flag, because it can serve nothing else.
    /// - Parameter summary: The facts of the model's files; `nil` if they were not read.
    func values(
        of model: RegisteredModel, _ summary: ModelSummary? = nil
    ) throws(SettingError) -> SettingValues {
        var own = model.settings.filter { !Self.ownKeys.contains($0.name) }
        if let draft = model.usableDraftPath {
            own.append(RegisteredModel.Setting(FlagKey.draftModel.rawValue, draft))
        }
        if let summary, !summary.capabilities.contains(.completion) {
            let only = summary.capabilities.contains(.rerank) ? FlagKey.reranking : .embeddings
            if !values.isChosen(only), model.setting(only.rawValue) == nil {
                own.append(RegisteredModel.Setting(only.rawValue, "on"))
            }
        }
        guard !own.isEmpty else { return values }
        // A setting of the section replaces the same setting of the file, because a file names each setting once.
        var lines: [String] = []
        if let path = values.text(.config) {
            let entries = try ConfigurationFile(try SmallFile.text(path, for: "--config"), path: path).entries
            for entry in entries {
                let key = PresetKeys.canonical(entry.name) ?? entry.name
                guard !own.contains(where: { $0.name.hasSameBytes(as: key) }) else { continue }
                lines.append(entry.name + (entry.value.map { " = " + $0 } ?? ""))
            }
        }
        lines += own.map { "\($0.name) = \($0.value)" }
        let text = lines.joined(separator: "\n")
        return try SettingParser(command: .serve).parse(
            arguments: flags + ["--config=[\(model.name)]"], environment: CurrentProcess.environment
        ) { _ throws(SettingError) in text }
    }

    /// The definition of a model with these settings.
    private func definition(
        _ item: ModelListing.Item, _ values: SettingValues
    ) throws(SettingError) -> ModelDefinition {
        let model = item.model
        var server = try ServerConfiguration(values)
        server.modelNames = [model.name] + model.aliases
        let path = model.paths.first ?? ""
        // The worker reads these settings, too. An error here is the model's problem instead of a failed start.
        let engine = try EngineConfiguration(modelPath: path, values)
        // The closures run later: the plan before the first load, the worker at each load.
        var definition = ModelDefinition(
            model: model, configuration: server.generations,
            plan: { [self] () throws(ModelSourceError) in try needs(of: item, engine) },
            makeWorker: { [self] receiver throws(ModelSourceError) in
                guard !path.isEmpty else { throw ModelSourceError("has no file on this machine") }
                // The pool makes room before it starts a worker again.
                var policy = restartPolicy
                policy.repeatsShortages = false
                return ProcessWorker(
                    modelName: model.name, executable: executable, arguments: workerArguments(values, path: path),
                    receiver: receiver, policy: policy, logger: logger)
            })
        definition.largestContext = { [self] amount in largestContext(of: item, engine, in: amount) }
        // Facts of the head, which lists and events show before the first load.
        (definition.summary, definition.kind) = (item.summary, item.kind)
        definition.defaults = server.completionDefaults
        definition.isPinned = Switch(model.setting("pinned") ?? "off") == .on
        definition.loadsOnStartup = model.source == .flag || Switch(model.setting("load-on-startup") ?? "off") == .on
        if let text = model.setting("keep-alive") {
            guard let seconds = Int(text) else {
                throw SettingError("keep-alive must be a whole number of seconds, not '\(text)'")
            }
            definition.keepAlive = seconds < 0 ? .forever : .idle(.seconds(seconds))
        }
        if let seconds = values.integer(.sleepTime), seconds >= 0 { definition.sleepAfter = .seconds(seconds) }
        definition.isRemovable = (try? removal(of: model)) != nil
        return definition
    }

    /// The arguments of `martlet worker` for one model.
    private func workerArguments(_ values: SettingValues, path: String) -> [String] {
        ["worker"] + values.workerArguments().filter { !$0.hasPrefix("--model=") } + ["--model=\(path)"]
    }

    /// The deletion of a model's files.
    /// - Throws: If the files do not belong to `--models-dir` or to the Hugging Face cache.
    func removal(of model: RegisteredModel) throws(ModelSourceError) -> ModelRemoval {
        try ModelRemoval(model, folder: sources.folder, cache: sources.hubFolder.map { HubCache(folder: $0) })
    }
}
