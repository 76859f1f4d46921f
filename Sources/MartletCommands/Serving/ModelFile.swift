import MartletModels
import MartletPlatform

/// The model to serve: a GGUF file that exists and has the length that its header requires.
struct ModelFile: Equatable {
    /// The path as the user gave it, or the path of the demo model.
    let path: FilePath
    /// Whether it is the demo model because no model was set.
    let isEmbedded: Bool
    /// The name of a downloaded model, e.g. `org/name:Q8_0`; `nil` for other files.
    private let downloadedName: String?

    private static let embedded: FilePath = "fledgling.Q8_0.gguf"

    /// Finds and checks the file. Reads the header only, so a large model costs no more than a small one.
    /// - Parameters:
    ///   - named: The value of `--model`; `nil` = the demo model.
    ///   - executable: The program, near which the demo model is searched.
    ///   - downloadedName: The name of a downloaded model.
    /// - Throws: If the file is missing, is no GGUF file, is cut off, or is no model, e.g. a LoRA adapter.
    init(named: String?, executable: FilePath?, downloadedName: String? = nil) throws(SettingError) {
        self.downloadedName = downloadedName
        if let named {
            path = FilePath(named)
            isEmbedded = false
        } else {
            guard let found = Self.find(near: executable) else {
                throw SettingError(
                    "the demo model (\(Self.embedded)) is missing; set a model with --model")
            }
            path = found
            isEmbedded = true
        }
        try check()
    }

    /// A file that is not checked here: the pool of models checks each of its files when it reads them.
    init(path: String) {
        self.path = FilePath(path)
        isEmbedded = false
        downloadedName = nil
    }

    /// The model's name in the API unless `--alias` is set: the file's name without its extension.
    var name: String {
        if isEmbedded { return "fledgling" }
        if let downloadedName { return downloadedName }
        let stem = path.stem ?? "martlet"
        return stem.isEmpty ? "martlet" : stem
    }

    /// The demo model: in `../share/martlet` of an installed program, or in the folder `Models` of a checkout.
    private static func find(near executable: FilePath?) -> FilePath? {
        guard let executable else { return nil }
        var folder = executable.removingLastComponent()
        var candidates = [folder.removingLastComponent().appending("share/martlet").pushing(embedded)]
        while !folder.isEmpty {
            candidates.append(folder.appending("Models").pushing(embedded))
            let parent = folder.removingLastComponent()
            if parent == folder { break }
            folder = parent
        }
        return candidates.first { access($0.string, R_OK) == 0 }
    }

    /// Reads the heads, compares the files' lengths with them, and refuses files of other kinds than models.
    private func check() throws(SettingError) {
        do {
            try ModelSummary.check(path.string)
        } catch {
            throw SettingError("--model: \(path) \(error)")
        }
    }
}
