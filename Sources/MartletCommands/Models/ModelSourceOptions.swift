import ArgumentParser
import MartletModels
import MartletPlatform

/// The flags that select the sources of models for commands about models.
///
/// The variables of `martlet serve` apply, too: `MARTLET_MODELS_DIR` and llama-server's `LLAMA_ARG_MODELS_DIR`.
struct ModelSourceOptions: ParsableArguments {
    @Option(name: [.customShort("m"), .long], help: "A model file (GGUF). May be repeated.", completion: .file())
    var model: [String] = []

    @Option(
        help: "A folder of models: GGUF files, and a sub-folder for each model of several files.",
        completion: .directory)
    var modelsDir: String?

    @Option(help: "A file of presets in llama-server's form, with a section for each model.", completion: .file())
    var modelsPreset: String?

    /// The value of the first variable that is set and not empty.
    private static func variable(_ names: String...) -> String? {
        names.lazy.compactMap(CurrentProcess.environment).first { !$0.isEmpty }
    }

    /// Reads all sources.
    /// - Throws: An exit code after one line on standard error, if a source cannot be read.
    func registry() throws -> ModelRegistry {
        do {
            return try sources().registry()
        } catch let error as any CustomStringConvertible {
            throw CommandFailure.exit(error)
        }
    }

    /// The sources that flags and variables name, the demo model and the Hugging Face cache included.
    /// Without a named folder, the folder of downloads counts as one.
    func sources() throws -> ModelSources {
        var sources = ModelSources()
        sources.files = model
        sources.folder = modelsDir ?? Self.variable("MARTLET_MODELS_DIR", "LLAMA_ARG_MODELS_DIR")
        if sources.folder == nil,
            let downloads = DownloadRequest.downloadFolder(environment: CurrentProcess.environment),
            FileListing.isFolder(downloads)
        {
            sources.folder = downloads
        }
        sources.downloadPath = DownloadRequest.path(ofAddress:)
        sources.hubFolder = HubCache.folder(environment: CurrentProcess.environment)
        sources.embeddedPath = try? ModelFile(named: nil, executable: CurrentProcess.executable).path.string
        if let path = modelsPreset ?? Self.variable("MARTLET_MODELS_PRESET", "LLAMA_ARG_MODELS_PRESET") {
            let text = try SmallFile.text(path, for: "--models-preset")
            sources.presets = try PresetFile(
                text, path: path, knownKeys: PresetKeys.all, canonicalKey: PresetKeys.canonical)
        }
        return sources
    }

    /// The model that `name` means: a name of the registry, or the path of a file.
    /// - Throws: An exit code after one line on standard error that names the nearest model.
    func find(_ name: String) throws -> RegisteredModel {
        let registry = try registry()
        switch registry.resolve(name) {
        case .model(let model): return model
        case .invalid(let rule): throw CommandFailure.exit("the name of the model \(rule)")
        case .unknown(let nearest):
            if name.lowercased().hasSuffix(".gguf"), FileListing.stamp(name) != nil {
                var sources = ModelSources()
                sources.files = [name]
                if let model = try? sources.registry().models.first { return model }
            }
            let advice = nearest.map { "did you mean '\($0)'?" } ?? "'martlet list' lists all"
            throw CommandFailure.exit("there is no model '\(name.printable)'; \(advice)")
        }
    }
}

/// The keys of presets: all flags of Martlet and of llama-server, without dashes.
enum PresetKeys {
    /// All long flags, for the nearest one in errors.
    static var all: [String] {
        SettingTable.all.map(\.key.rawValue)
            + PeerFlags.all.flatMap(\.names).filter { $0.hasPrefix("--") }.map { String($0.dropFirst(2)) }
    }

    /// The long flag of each spelling: flags with and without negation, and variables.
    private static let bySpelling: [String: String] = {
        var result: [String: String] = [:]
        func add(_ spellings: [String], _ key: String) {
            for spelling in spellings { result[String(spelling.drop { $0 == "-" })] = key }
        }
        for setting in SettingTable.all {
            add(setting.names + setting.environmentNames, setting.key.rawValue)
            for name in setting.negativeNames { add([name], String(name.drop { $0 == "-" })) }
        }
        for flag in PeerFlags.all {
            let key = flag.names.first { $0.hasPrefix("--") } ?? flag.names[0]
            add(flag.names + flag.environmentNames, String(key.drop { $0 == "-" }))
            for name in flag.negatives { add([name], String(name.drop { $0 == "-" })) }
        }
        return result
    }()

    /// The long flag of a key, e.g. `ctx-size` for `c`; `nil` for an unknown key.
    static func canonical(_ key: String) -> String? {
        bySpelling[key] ?? bySpelling[SettingName.normalized(key)]
    }
}
