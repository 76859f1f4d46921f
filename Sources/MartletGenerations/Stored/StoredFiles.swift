internal import Logging
internal import MartletFiles
internal import MartletProtocol
internal import NIOPosix
internal import Synchronization

/// The limits of stored files, and how they are written.
package struct StoredFileRules: Sendable {
    /// Seconds from the creation of an entry to its removal.
    package var age: Int64
    /// The most bytes of all files of one folder.
    package var byteCount: Int
    /// Whether a write waits for the disk. Otherwise the system has the bytes, which survive the end of the process.
    package var syncs: Bool

    /// Makes the rules of a server.
    package init(age: Int64, byteCount: Int, syncs: Bool = true) {
        self.age = age
        self.byteCount = byteCount
        self.syncs = syncs
    }
}

/// Small files in one folder of the server's state, by 128-bit keys: an index in memory, an age and a limit of bytes.
///
/// Without a folder the bytes stay in memory and end with the process. Thread: any. `write`, `read` and `remove` block
/// on the disk; `onDisk` runs them on another thread.
final class StoredFiles: Sendable {
    private struct State {
        var index: ResponseIndex
        /// The bytes of a store without a folder.
        var memory: [ResponseIndex.Key: [UInt8]] = [:]
    }

    private let folder: SmallFileFolder?
    private let state: Mutex<State>
    private let rules: StoredFileRules
    private let now: @Sendable () -> Int64
    private let logger: Logger

    /// The largest file that is read, in bytes.
    private static let fileLimit = 256 << 20
    private static let suffix = ".json"
    /// The most bytes of a store without a folder.
    private static let memoryLimit = 64 << 20

    /// Opens the folder. Reads the names and sizes of its files, and no file.
    ///
    /// - Parameters:
    ///   - path: the folder; nil = the bytes stay in memory.
    ///   - now: the time in seconds since 1970.
    /// - Complexity: O(n log n) for n files.
    init(path: String?, _ rules: StoredFileRules, now: @escaping @Sendable () -> Int64, logger: Logger) {
        folder = path.map { SmallFileFolder(path: $0, byteLimit: Self.fileLimit) }
        self.rules = rules
        self.now = now
        self.logger = logger
        let limit = path == nil ? min(rules.byteCount, Self.memoryLimit) : rules.byteCount
        var index = ResponseIndex(ResponseIndex.Limits(age: rules.age, byteCount: limit))
        var removed: [ResponseIndex.Key] = []
        let time = now()
        var files: [(key: ResponseIndex.Key, byteCount: Int, modified: Int64)] = []
        for name in folder?.names() ?? [] {
            // A file that a process wrote when it ended is incomplete.
            if name.hasSuffix(SmallFileFolder.partSuffix) { try? folder?.remove(name) }
            guard let key = Self.key(of: name), let facts = folder?.facts(of: name) else { continue }
            files.append((key, facts.byteCount, facts.modified))
        }
        for file in files.sorted(by: { $0.modified < $1.modified }) {
            removed += index.add(file.key, created: file.modified / 1_000_000_000, byteCount: file.byteCount, now: time)
        }
        state = Mutex(State(index: index))
        remove(removed)
    }

    /// The key of a file's name; nil for other files.
    private static func key(of name: String) -> ResponseIndex.Key? {
        name.hasSuffix(suffix) ? ResponseIndex.Key(String(name.dropLast(suffix.count))) : nil
    }

    /// Whether entries survive the process.
    var isDurable: Bool { folder != nil }

    /// The number of files.
    var count: Int { state.withLock { $0.index.count } }

    /// Whether an entry of this age is removed, in whichever place it is.
    /// - Parameter created: seconds since 1970.
    func isExpired(created: Int64) -> Bool { created + rules.age <= now() }

    /// Whether there is a file that is not too old.
    func contains(_ key: ResponseIndex.Key) -> Bool { state.withLock { $0.index.contains(key, now: now()) } }

    /// The keys, the newest first. Complexity: O(n).
    var newest: [ResponseIndex.Key] { state.withLock { $0.index.newest } }

    /// Writes a file without an entry in the index.
    /// - Returns: false if the disk refuses it. The log has a line then.
    func write(_ bytes: [UInt8], _ key: ResponseIndex.Key) -> Bool {
        guard let folder else { return true }
        do throws(FileError) {
            try folder.write(bytes, key.text + Self.suffix, syncs: rules.syncs)
            return true
        } catch {
            logger.warning("a response could not be stored", metadata: ["reason": "\(error)"])
            return false
        }
    }

    /// Writes behind the bytes of a file without changing the index.
    ///
    /// - Parameter byteCount: the bytes that the file has.
    /// - Returns: false if the disk refuses it, or if the file has another size; it is as before then. The log has a
    ///   line.
    func append(_ bytes: [UInt8], _ key: ResponseIndex.Key, at byteCount: Int) -> Bool {
        guard let folder else { return true }
        do throws(FileError) {
            try folder.append(bytes, key.text + Self.suffix, at: byteCount, syncs: rules.syncs)
            return true
        } catch {
            logger.warning("a change could not be stored", metadata: ["reason": "\(error)"])
            return false
        }
    }

    /// Notes appended bytes in the index. The entry is the youngest one then.
    /// - Returns: the keys of files that have to go.
    func grow(_ key: ResponseIndex.Key, _ bytes: [UInt8]) -> [ResponseIndex.Key] {
        state.withLock { state in
            if folder == nil { state.memory[key, default: []] += bytes }
            let total = (state.index.byteCount(of: key) ?? 0) + bytes.count
            return state.index.add(key, created: now(), byteCount: total, now: now())
        }
    }

    /// Adds a written file to the index, as the youngest one.
    /// - Returns: the keys of files that have to go.
    func add(_ key: ResponseIndex.Key, _ bytes: [UInt8]) -> [ResponseIndex.Key] {
        state.withLock { state in
            if folder == nil { state.memory[key] = bytes }
            return state.index.add(key, created: now(), byteCount: bytes.count, now: now())
        }
    }

    /// Removes entries of the index; their files remain.
    func forget(_ key: ResponseIndex.Key) { state.withLock { $0.index.remove(key) } }

    /// Removes files. Missing ones are no error.
    func remove(_ keys: [ResponseIndex.Key]) {
        for key in keys {
            state.withLock { $0.memory[key] = nil }
            do throws(FileError) {
                try folder?.remove(key.text + Self.suffix)
            } catch {
                logger.warning("a stored response could not be removed", metadata: ["reason": "\(error)"])
            }
        }
    }

    /// The bytes of an entry; nil if it is missing or too old.
    func read(_ key: ResponseIndex.Key) -> [UInt8]? {
        guard contains(key) else { return nil }
        guard let folder else { return state.withLock { $0.memory[key] } }
        return try? folder.read(key.text + Self.suffix)
    }

    /// Runs `body` on a thread that may wait for the disk.
    static func onDisk<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        // The pool refuses work only when the process ends; the calling thread may wait then.
        (try? await NIOThreadPool.singleton.runIfActive(body)) ?? body()
    }
}
