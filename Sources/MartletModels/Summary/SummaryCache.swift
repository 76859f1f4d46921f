internal import MartletGGUF
package import MartletText

/// The summaries of files that were read before, by path, size and time of modification.
///
/// A head of a model with a large vocabulary has several megabytes, so a list of 1,000 models would read gigabytes
/// without this cache. A summary is valid while the stamps of all its files are the same.
package struct SummaryCache: Sendable, Equatable {
    /// The facts about a file, or the reason why it is no model.
    package enum Entry: Sendable, Equatable {
        case summary(ModelSummary)
        /// A predicate that follows the path.
        case problem(String)
    }

    /// An entry with the stamps of the files from which it was derived.
    struct Stored: Sendable, Equatable {
        var stamps: [FileListing.Stamp]
        var entry: Entry
    }

    /// The entries by the path of the first file.
    private(set) var stored: [ExactString: Stored] = [:]
    /// Whether an entry was added or removed since the cache was made or read.
    package private(set) var isChanged = false
    /// The number of heads that were read from files.
    package private(set) var readCount = 0

    /// Creates an empty cache.
    package init() {}

    /// Creates a cache of decoded entries.
    init(stored: [ExactString: Stored]) { self.stored = stored }

    /// The entry of a model's files. Reads heads only if a file is new or has changed.
    ///
    /// - Parameter paths: all files, the first one first; at least one.
    /// - Complexity: one system call per file for an unchanged model.
    package mutating func entry(_ paths: [String]) -> Entry {
        guard let path = paths.first else { return .problem("has no file") }
        var stamps: [FileListing.Stamp] = []
        for file in paths {
            guard let stamp = FileListing.stamp(file) else {
                remove(path)
                // The reader finds the reason, e.g. a folder or a broken link.
                return read(path)
            }
            stamps.append(stamp)
        }
        let key = ExactString(path)
        if let known = stored[key], known.stamps == stamps { return known.entry }
        let entry = read(path)
        stored[key] = Stored(stamps: stamps, entry: entry)
        isChanged = true
        return entry
    }

    /// Removes entries of files that no listed model has.
    package mutating func removeAll(except paths: Set<ExactString>) {
        let count = stored.count
        stored = stored.filter { paths.contains($0.key) }
        if stored.count != count { isChanged = true }
    }

    private mutating func remove(_ path: String) {
        if stored.removeValue(forKey: ExactString(path)) != nil { isChanged = true }
    }

    private mutating func read(_ path: String) -> Entry {
        readCount += 1
        do throws(GGUFError) {
            return .summary(try ModelSummary.read(path))
        } catch {
            return .problem(error.description)
        }
    }
}
