internal import MartletPlatform

/// The files that the removal of a model deletes, and their deletion.
package struct ModelRemoval: Sendable, Equatable {
    /// The paths to delete: links first, then blobs that no other link needs.
    package let paths: [String]
    /// Folders that are deleted if they are empty afterwards.
    package let folders: [String]

    /// Plans the removal.
    ///
    /// - Parameters:
    ///   - folder: the folder of models; files outside of it are refused.
    ///   - cache: the Hugging Face cache.
    /// - Throws: if the model belongs to neither of the two.
    package init(_ model: RegisteredModel, folder: String?, cache: HubCache?) throws(ModelSourceError) {
        let files = model.paths + [model.projectorPath, model.draftPath].compactMap { $0 }
        guard !model.paths.isEmpty else { throw ModelSourceError("\(model.name) has no file on this machine") }
        if let cache, let repository = model.repository, Self.contains(cache.folder, model.paths[0]) {
            // A projector may belong to several models of its repository.
            let others = cache.models(of: repository.repository).filter { $0.paths != model.paths }
            let shared = Set(others.flatMap { $0.paths + [$0.projectorPath].compactMap { $0 } })
            let links = files.filter { !shared.contains($0) }
            let needed = Set(shared.compactMap(FileListing.resolved))
            let blobs = links.compactMap(FileListing.resolved).filter { !needed.contains($0) && !links.contains($0) }
            paths = links + blobs
            folders = []
            return
        }
        guard let folder, let root = FileListing.resolved(folder), model.source == .folder || model.source == .preset
        else {
            throw ModelSourceError(
                "\(model.name) comes from \(model.source == .flag ? "--model" : "the \(model.source.rawValue) source"), so its "
                    + "file is yours to delete: \(model.paths[0])")
        }
        for file in files {
            guard let real = FileListing.resolved(file), Self.contains(root, real) else {
                throw ModelSourceError("\(file) leads out of the models folder \(folder), so it is not deleted")
            }
        }
        paths = files
        let parents = Set(files.compactMap { file in file.lastIndex(of: "/").map { String(file[..<$0]) } })
        folders = parents.filter { FileListing.resolved($0) != root }.sorted()
    }

    /// Whether `path` lies in `folder`. Both are absolute or relative to the same folder.
    private static func contains(_ folder: String, _ path: String) -> Bool { path.hasPrefix(folder + "/") }

    /// Deletes all files.
    ///
    /// - Returns: the number of bytes that were freed.
    /// - Throws: at the first file that cannot be deleted.
    package func perform() throws(ModelSourceError) -> UInt64 {
        var bytes: UInt64 = 0
        for path in paths {
            var status = stat()
            if lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG { bytes += UInt64(max(0, status.st_size)) }
            guard unlink(path) == 0 || errno == ENOENT else {
                throw ModelSourceError("\(path) cannot be deleted: \(String(cString: strerror(errno)))")
            }
        }
        for folder in folders { rmdir(folder) }
        return bytes
    }
}
