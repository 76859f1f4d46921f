internal import MartletFiles
internal import MartletText

/// The cache of Hugging Face's tools, which llama-server shares, too.
///
///     hub/models--org--name/
///       refs/main                              the commit
///       snapshots/COMMIT/model-Q8_0.gguf       a link to the blob
///       blobs/SHA256                           the bytes
///
/// Names of folders come from other programs, so every part of a path is checked.
package struct HubCache: Sendable, Equatable {
    /// The folder `hub`.
    package let folder: String

    /// Creates a cache in this folder, which need not exist.
    package init(folder: String) { self.folder = folder }

    /// The folder that the environment states, in the order of llama-server; `nil` without a home folder.
    package static func folder(environment: (String) -> String?) -> String? {
        let places = [
            ("LLAMA_CACHE", ""), ("HF_HUB_CACHE", ""), ("HUGGINGFACE_HUB_CACHE", ""), ("HF_HOME", "/hub"),
            ("XDG_CACHE_HOME", "/huggingface/hub"), ("HOME", "/.cache/huggingface/hub"),
        ]
        for (name, path) in places {
            if let base = environment(name), !base.isEmpty { return base + path }
        }
        return nil
    }

    /// The folder of a repository.
    package func folder(of repository: String) -> String {
        folder + "/models--" + repository.split(separator: "/").joined(separator: "--")
    }

    /// The models of all repositories, sorted by name. Repositories without a model are left out.
    ///
    /// An absent cache has no models. A repository that cannot be read is left out, because other programs own it.
    package func models() -> [RegisteredModel] {
        guard FileListing.isFolder(folder), let entries = try? FileListing.entries(of: folder) else { return [] }
        return entries.filter(\.isFolder).flatMap { entry -> [RegisteredModel] in
            guard let repository = Self.repository(ofFolder: entry.name) else { return [] }
            return models(of: repository)
        }
    }

    /// The models of one repository.
    package func models(of repository: String) -> [RegisteredModel] {
        guard let snapshot = snapshot(of: repository) else { return [] }
        let files = Self.files(in: snapshot, depth: 3)
        var groups: [String: [String]] = [:]
        for file in files { groups[Self.parent(file), default: []].append(Self.lastComponent(file)) }
        let projectors = files.filter { ModelFolder.isProjector(Self.lastComponent($0)) }
        var models: [RegisteredModel] = []
        for parent in groups.keys.sorted() {
            let path = parent.isEmpty ? snapshot : snapshot + "/" + parent
            for var model in ModelFolder.group(groups[parent] ?? [], in: path, named: nil) {
                let name = model.paths.first.map(Self.lastComponent) ?? ""
                model.source = .cache
                let tag = Quantization.tag(ofFile: name)
                model.repository = HubReference(repository: repository, quantization: tag)
                model.name = "\(repository)\(tag.map { ":" + $0 } ?? "")"
                model.projectorPath = Self.companion(of: parent + "/" + name, among: projectors)
                    .map { snapshot + "/" + $0 }
                models.append(model)
            }
        }
        return Self.withUniqueNames(models)
    }

    /// Appends the file's name to a name that several models have.
    private static func withUniqueNames(_ models: [RegisteredModel]) -> [RegisteredModel] {
        var counts: [ExactString: Int] = [:]
        for model in models { counts[ExactString(model.name), default: 0] += 1 }
        return models.map { model in
            guard counts[ExactString(model.name)] ?? 0 > 1, let repository = model.repository else { return model }
            var model = model
            model.name = "\(repository.repository)/\(model.paths.first.map(lastComponent) ?? "")"
            return model
        }
    }

    /// The projector that belongs to a model's file: in the same folder or above, nearest in its number of bits.
    package static func companion(of file: String, among projectors: [String]) -> String? {
        let folder = parent(file)
        let bits = Quantization.bits(ofTag: Quantization.tag(ofFile: lastComponent(file)) ?? "")
        func score(_ candidate: String) -> (Int, Int)? {
            let home = parent(candidate)
            guard home.isEmpty || folder == home || folder.hasPrefix(home + "/") else { return nil }
            let theirs = Quantization.bits(ofTag: Quantization.tag(ofFile: lastComponent(candidate)) ?? "")
            return (-home.count, abs(theirs - bits))
        }
        return projectors.compactMap { file in score(file).map { (file, $0) } }.min { $0.1 < $1.1 }?.0
    }

    /// The repository of a folder's name: `models--org--name` is `org/name`; `nil` for other names.
    package static func repository(ofFolder name: String) -> String? {
        guard name.hasPrefix("models--") else { return nil }
        let rest = name.dropFirst("models--".count)
        guard let mark = rest.firstRange(of: "--") else { return nil }
        let repository = "\(rest[..<mark.lowerBound])/\(rest[mark.upperBound...])"
        return HubReference(repository) == nil ? nil : repository
    }

    /// The folder of the commit that `refs/main` names, else of any other branch; `nil` without one.
    package func snapshot(of repository: String) -> String? {
        let base = folder(of: repository)
        guard let branches = try? FileListing.entries(of: base + "/refs").filter({ !$0.isFolder }) else { return nil }
        for branch in branches.filter({ $0.name == "main" }) + branches.filter({ $0.name != "main" }) {
            guard let commit = Self.commit(in: base + "/refs/" + branch.name) else { continue }
            let snapshot = base + "/snapshots/" + commit
            if FileListing.isFolder(snapshot) { return snapshot }
        }
        return nil
    }

    /// The commit in a file of `refs`: 40 hexadecimal digits; `nil` for other contents.
    private static func commit(in path: String) -> String? {
        guard let bytes = try? OpenFile.bytes(of: path, upTo: 64) else { return nil }
        let text = String(decoding: bytes.prefix { $0 > 0x20 }, as: UTF8.self)
        return isCommit(text) ? text : nil
    }

    /// Whether a text is a commit: 40 hexadecimal digits.
    package static func isCommit(_ text: String) -> Bool {
        text.utf8.count == 40 && text.allSatisfy { $0.isASCII && $0.isHexDigit }
    }

    /// The GGUF files below a folder as relative paths, sorted.
    private static func files(in folder: String, depth: Int) -> [String] {
        guard depth > 0, let entries = try? FileListing.entries(of: folder) else { return [] }
        return entries.flatMap { entry -> [String] in
            if entry.isFolder {
                return files(in: folder + "/" + entry.name, depth: depth - 1).map { "\(entry.name)/\($0)" }
            }
            return entry.name.lowercased().hasSuffix(".gguf") && !entry.name.contains("imatrix") ? [entry.name] : []
        }
    }

    private static func parent(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }

    private static func lastComponent(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }
}
