package import MartletJSON
package import MartletModels
internal import MartletText

/// A file of a repository, as the list of the repository states it.
package struct HubFile: Sendable, Equatable {
    /// The path within the repository.
    package var path: String
    package var byteCount: UInt64
    /// The SHA-256 of a large file; `nil` for a file that is stored in git.
    package var digest: String?
    /// The name of the blob in the cache: the SHA-256, or git's hash.
    package var blob: String

    /// Creates a file.
    package init(path: String, byteCount: UInt64, digest: String?, blob: String) {
        self.path = path
        self.byteCount = byteCount
        self.digest = digest
        self.blob = blob
    }
}

/// Hugging Face's API, and the choice of files. Parsing and choice are pure.
package enum Hub {
    /// The commit of the branch `main`, else of the first branch.
    ///
    /// - Parameter json: the answer of `/api/models/REPOSITORY/refs`.
    package static func commit(_ json: JSONValue) -> String? {
        let branches = (json["branches"]?.arrayValue ?? []).compactMap { branch -> (name: String, commit: String)? in
            guard let name = branch["name"]?.stringValue, let commit = branch["targetCommit"]?.stringValue,
                HubCache.isCommit(commit)
            else { return nil }
            return (name, commit)
        }
        return (branches.first { $0.name == "main" } ?? branches.first)?.commit
    }

    /// The files of a page of `/api/models/REPOSITORY/tree/COMMIT`. Entries whose path or hash has another form are left
    /// out: they become names of files here.
    package static func files(_ json: JSONValue) -> [HubFile] {
        (json.arrayValue ?? []).compactMap { entry in
            guard entry["type"]?.stringValue == "file", let path = entry["path"]?.stringValue, isSafe(path) else {
                return nil
            }
            let large = entry["lfs"]
            guard let hash = (large?["oid"] ?? entry["oid"])?.stringValue, isHash(hash) else { return nil }
            let bytes = (large?["size"] ?? entry["size"])?.unsignedValue ?? 0
            return HubFile(
                path: path, byteCount: bytes, digest: hash.utf8.count == 64 ? hash.lowercased() : nil,
                blob: hash.lowercased())
        }
    }

    /// Whether a text is a hash of git or a SHA-256.
    private static func isHash(_ text: String) -> Bool {
        [40, 64].contains(text.utf8.count) && text.allSatisfy { $0.isASCII && $0.isHexDigit }
    }

    /// Whether a path stays within the folder of its repository.
    static func isSafe(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return !path.hasPrefix("/") && path.utf8.count <= 1_024
            && parts.allSatisfy { part in
                !part.isEmpty && part != "." && part != ".." && part.utf8.count <= 255
                    && !part.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
            }
    }

    /// The files of one model: all parts, the first one first, and the projector.
    package struct Choice: Sendable, Equatable {
        package var model: [HubFile]
        package var projector: HubFile?
    }

    /// Chooses the files of a model, by llama-server's rules.
    ///
    /// - Parameters:
    ///   - file: a path of `--hf-file`; `nil` = by the quantization.
    /// - Throws: if no file has the quantization; the error lists what there is.
    package static func choose(
        _ files: [HubFile], _ reference: HubReference, file: String?, wantsProjector: Bool = true
    ) throws(DownloadError) -> Choice {
        let models = files.filter { isModel($0.path) }
        let first: HubFile?
        if let file {
            first = files.first { $0.path.hasSameBytes(as: file) }
            guard first != nil else {
                let nearest = EditDistance.nearest(to: file, among: files.map(\.path)).map { "; did you mean '\($0)'?" }
                throw DownloadError("\(reference.repository) has no file '\(file)'" + (nearest ?? ""))
            }
        } else {
            let starts = models.filter { (SplitName(name($0.path))?.number ?? 1) == 1 }
            let wanted = reference.quantization.map { [$0] } ?? ["Q4_K_M", "Q8_0"]
            let tagged = wanted.lazy.compactMap { tag in starts.first { matches($0.path, tag) } }.first
            first = tagged ?? (reference.quantization == nil ? starts.first : nil)
            guard first != nil else {
                let tags = Array(Set<String>(starts.compactMap { Quantization.tag(ofFile: name($0.path)) })).sorted()
                throw DownloadError(
                    models.isEmpty
                        ? "\(reference.repository) has no GGUF file of a model"
                        : "\(reference.repository) has no file with \(reference.quantization ?? ""); it has "
                            + tags.joined(separator: ", "))
            }
        }
        guard let first else { throw DownloadError("\(reference.repository) has no GGUF file of a model") }
        let parts = try parts(of: first, files, reference)
        let projectors = files.map(\.path).filter {
            ModelFolder.isProjector(name($0)) && $0.lowercased().hasSuffix(".gguf")
        }
        let projector = wantsProjector ? HubCache.companion(of: first.path, among: projectors) : nil
        return Choice(model: parts, projector: projector.flatMap { path in files.first { $0.path == path } })
    }

    /// The largest file of presets in bytes.
    private static let maximumPresetByteCount = 1 << 20

    /// The file of presets in the root of a repository; nil if there is none.
    ///
    /// - Parameter name: the name of the file; nil = none is wanted.
    /// - Throws: if the file is too large.
    static func presets(_ files: [HubFile], named name: String?) throws(DownloadError) -> HubFile? {
        guard let name, let file = files.first(where: { $0.path.hasSameBytes(as: name) }) else { return nil }
        guard file.byteCount <= maximumPresetByteCount else {
            throw DownloadError("\(name) has \(file.byteCount) bytes; at most \(maximumPresetByteCount) are read")
        }
        return file
    }

    /// All parts of a split model.
    private static func parts(
        of first: HubFile, _ files: [HubFile], _ reference: HubReference
    ) throws(DownloadError) -> [HubFile] {
        guard let split = SplitName(name(first.path)), split.count > 1 else { return [first] }
        let folder = first.path.dropLast(name(first.path).count)
        var parts: [Int: HubFile] = [:]
        for file in files where file.path.hasPrefix(folder) && !file.path.dropFirst(folder.count).contains("/") {
            guard let part = SplitName(name(file.path)), part.prefix == split.prefix, part.count == split.count else {
                continue
            }
            parts[part.number] = file
        }
        guard parts.count == split.count else {
            throw DownloadError(
                "\(reference.repository) has \(parts.count) of the \(split.count) files of \(first.path)")
        }
        return parts.keys.sorted().compactMap { parts[$0] }
    }

    /// Whether the path has the quantization as a word: `Q4_0` is in `m-Q4_0.gguf` and not in `m-Q4_0_4_4.gguf`.
    private static func matches(_ path: String, _ tag: String) -> Bool {
        let path = path.uppercased()
        return path.contains("\(tag).") || path.contains("\(tag)-")
    }

    /// Whether the name is that of a model, not of a companion.
    private static func isModel(_ path: String) -> Bool {
        let name = name(path).lowercased()
        return name.hasSuffix(".gguf") && !name.contains("mmproj") && !name.contains("imatrix")
            && !ModelFolder.isDraft(name)
    }

    /// The last part of a path.
    private static func name(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }
}
