internal import MartletPlatform

/// The state of the folders and files of all sources at one moment. Two equal stamps mean that a scan would find nothing new.
///
/// Only times and sizes are read, so a comparison is cheap: some microseconds for each folder and file.
package struct SourceStamp: Sendable, Equatable {
    /// The time of the last modification of each folder, in nanoseconds since 1970; `nil` = it is not there.
    package var folders: [String: Int64?] = [:]
    package var files: [String: FileListing.Stamp?] = [:]

    /// The most files whose sizes are compared. In larger folders only the folders' own times are.
    private static let maximumFileCount = 20_000

    /// Makes the stamp of no source.
    package init() {}

    /// Whether an entry was added to a folder, removed or renamed since.
    ///
    /// - Complexity: O(folders); no folder is listed.
    package var hasChangedFolder: Bool { folders.contains { FileListing.folderTime($0.key) != $0.value } }

    /// Adds a folder with its model files, and its sub-folders up to a depth.
    mutating func add(_ folder: String, depth: Int) {
        let time = FileListing.folderTime(folder)
        folders[folder] = .some(time)
        guard time != nil, let entries = try? FileListing.entries(of: folder) else { return }
        for entry in entries {
            let path = folder + "/" + entry.name
            if entry.isFolder {
                if depth > 0 { add(path, depth: depth - 1) }
            } else if entry.name.lowercased().hasSuffix(".gguf"), files.count < Self.maximumFileCount {
                add(file: path)
            }
        }
    }

    /// Adds the Hugging Face cache: `refs`, `snapshots` and the folders of commits of each repository of a model.
    mutating func add(cache folder: String) {
        let time = FileListing.folderTime(folder)
        folders[folder] = .some(time)
        guard time != nil, let entries = try? FileListing.entries(of: folder) else { return }
        for entry in entries where entry.isFolder && HubCache.repository(ofFolder: entry.name) != nil {
            let repository = folder + "/" + entry.name
            add(repository + "/refs", depth: 0)
            add(repository + "/snapshots", depth: 2)
        }
    }

    /// Adds a file.
    mutating func add(file path: String) { files[path] = .some(FileListing.stamp(path)) }
}

extension ModelSources {
    /// The state of all sources now. Folders are listed; no file is opened.
    ///
    /// - Complexity: O(folders + files).
    package var stamp: SourceStamp {
        var stamp = SourceStamp()
        if let folder { stamp.add(folder, depth: 1) }
        if let hubFolder { stamp.add(cache: hubFolder) }
        for path in files { stamp.add(file: path) }
        if let presets { stamp.add(file: presets.path) }
        return stamp
    }
}

extension FileListing {
    /// The time of the last change of a folder's entries, in nanoseconds since 1970; `nil` if it is no folder.
    package static func folderTime(_ path: String) -> Int64? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return nil }
        #if canImport(Darwin)
            let time = status.st_mtimespec
        #else
            let time = status.st_mtim
        #endif
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}
