#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif
#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// The model to serve: a file that is there and begins as a GGUF file does.
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
        var magic = [UInt8](repeating: 0, count: 4)
        var count = 0
        do {
            let descriptor = try FileDescriptor.open(path, .readOnly)
            count = try descriptor.closeAfter { try magic.withUnsafeMutableBytes { try descriptor.read(into: $0) } }
        } catch let error as Errno where error == .noSuchFileOrDirectory {
            throw SettingError("there is no model file \(path); check --model")
        } catch let error as Errno where error == .isDirectory {
            throw SettingError("\(path) is a folder; --model names a GGUF file")
        } catch {
            throw SettingError("the model file \(path) cannot be read: \(error)")
        }
        guard count == 4, magic == Array("GGUF".utf8) else {
            throw SettingError("\(path) is not a GGUF file; --model names a model in GGUF format")
        }
    }
}
