import MartletGGUF
import MartletPlatform

/// The model to serve: a file that is there and whole, as far as its head tells.
struct ModelFile: Equatable {
    let path: FilePath
    /// Whether nobody named it.
    let isEmbedded: Bool

    private static let embedded: FilePath = "fledgling.Q8_0.gguf"

    /// - Parameters:
    ///   - named: What the user gave; `nil` = the model that comes with martlet.
    ///   - executable: Where that is looked for.
    init(named: String?, executable: FilePath?) throws(SettingError) {
        if let named {
            path = FilePath(named)
            isEmbedded = false
        } else {
            guard let found = Self.find(near: executable) else {
                throw SettingError(
                    "the model that comes with martlet (\(Self.embedded)) is missing; give one with --model")
            }
            path = found
            isEmbedded = true
        }
        try check()
    }

    /// What clients call it unless `--alias` says otherwise.
    var name: String {
        if isEmbedded { return "fledgling" }
        let stem = path.stem ?? "martlet"
        return stem.isEmpty ? "martlet" : stem
    }

    /// Beside an installed program, in `../share/martlet`; in a checkout, in the folder `Models` of the package.
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

    private func check() throws(SettingError) {
        do {
            _ = try GGUFFile.check(path.string)
        } catch {
            throw SettingError("--model: \(path) \(error)")
        }
    }
}
