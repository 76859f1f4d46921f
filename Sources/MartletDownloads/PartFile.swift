internal import Crypto
internal import MartletFiles
internal import MartletJSON
internal import MartletPlatform
internal import Synchronization

/// An unfinished file on disk with its record, locked against other processes.
///
/// Thread: any; writes of different ranges may happen at the same time.
final class PartFile: Sendable {
    /// The path of the part itself.
    let path: String
    /// Owned by this object; the lock belongs to it.
    private let descriptor: Int32
    /// `nil` before the first `begin` of a new part.
    private let record: Mutex<PartRecord?>

    private static let extensionText = ".part"

    /// The result of opening.
    enum Opening {
        case open(PartFile)
        /// Another download of the same file has the lock.
        case busy
        /// The complete file is there, and no part is left.
        case complete
    }

    /// Opens or creates the part of a file and locks it. The lock ends with the process, also if it is killed.
    ///
    /// - Parameter finalPath: the path of the complete file; its folder exists.
    static func open(for finalPath: String) throws(DownloadError) -> Opening {
        isFile(finalPath) ? .complete : try lock(for: finalPath)
    }

    /// Opens or creates the part, locks it, and only then looks for the complete file: another download may have given
    /// the file its name a moment ago, and this part would fetch it again.
    static func lock(for finalPath: String) throws(DownloadError) -> Opening {
        let path = finalPath + extensionText
        let descriptor = MartletPlatform.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else {
            throw DownloadError("\(path) cannot be created: \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return .busy
        }
        // The download that had the lock before may have renamed the file.
        var mine = stat()
        var named = stat()
        guard fstat(descriptor, &mine) == 0, stat(path, &named) == 0, mine.st_ino == named.st_ino else {
            close(descriptor)
            return .busy
        }
        let part = PartFile(path, descriptor, byteCount: UInt64(mine.st_size))
        if isFile(finalPath) {
            part.discard()
            return .complete
        }
        return .open(part)
    }

    /// Whether the complete file is there. Its name exists only after all checks.
    private static func isFile(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    /// Reads the record that an earlier process left. A record that cannot be read is as none, as is the record of a
    /// part of another size: `begin` gives the part its size before the record exists.
    private init(_ path: String, _ descriptor: Int32, byteCount: UInt64) {
        self.path = path
        self.descriptor = descriptor
        let bytes = try? OpenFile.bytes(of: path + ".json", upTo: 64 << 20)
        let left = bytes.flatMap { try? JSONParser.parse($0) }.flatMap { PartRecord(json: $0) }
        record = Mutex(left.flatMap { $0.byteCount == byteCount ? $0 : nil })
    }

    /// Releases the lock.
    deinit { close(descriptor) }

    /// Continues the part if it belongs to this version of the file; otherwise begins again.
    ///
    /// - Returns: the record.
    func begin(_ fresh: PartRecord) throws(DownloadError) -> PartRecord {
        let known = record.withLock { $0 }
        if let known, known.matches(etag: fresh.etag, byteCount: fresh.byteCount), known.rangeCount > 0 { return known }
        unlink(path + ".json")
        guard ftruncate(descriptor, 0) == 0, ftruncate(descriptor, off_t(fresh.byteCount)) == 0 else {
            throw writeError()
        }
        try update { $0 = fresh }
        return fresh
    }

    /// Writes bytes at an offset.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(DownloadError) {
        var written = 0
        while written < bytes.count {
            let count = pwrite(
                descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written,
                off_t(offset) + off_t(written))
            if count > 0 {
                written += count
            } else if errno != EINTR {
                throw writeError()
            }
        }
    }

    /// The error of the last system call.
    private func writeError() -> DownloadError {
        DownloadError("\(path) cannot be written: \(String(cString: strerror(errno)))")
    }

    /// Records a complete range. Its bytes are written before.
    func complete(_ range: Int) throws(DownloadError) {
        try update { _ = $0?.done.insert(range) }
    }

    /// Changes the record and its file. The lock covers both, because ranges that end at the same time share the
    /// temporary file's name.
    private func update(_ change: (inout PartRecord?) -> Void) throws(DownloadError) {
        try record.withLock { record throws(DownloadError) in
            change(&record)
            if let record { try store(record) }
        }
    }

    /// Replaces the record's file atomically.
    private func store(_ record: PartRecord) throws(DownloadError) {
        let text = record.json.text
        let temporary = path + ".json.new"
        do throws(FileError) {
            let file = try OpenFile(temporary, for: .replacing, followsLinks: false)
            try file.append(Array(text.utf8))
        } catch {
            throw DownloadError("\(temporary) cannot be written: \(error)")
        }
        guard rename(temporary, path + ".json") == 0 else { throw writeError() }
    }

    /// The SHA-256 of the whole file in hexadecimal digits.
    func digest() throws(DownloadError) -> String {
        var hash = SHA256()
        var offset: off_t = 0
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = buffer.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, offset) }
            if count == 0 { break }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw DownloadError("\(path) cannot be read: \(String(cString: strerror(errno)))")
            }
            hash.update(data: buffer[..<count])
            offset += off_t(count)
        }
        return hash.finalize().map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
    }

    /// Gives the complete file its name. Other processes see it at once and whole.
    func finish(as finalPath: String) throws(DownloadError) {
        guard fsync(descriptor) == 0, rename(path, finalPath) == 0 else {
            throw DownloadError("\(finalPath) cannot be made: \(String(cString: strerror(errno)))")
        }
        unlink(path + ".json")
    }

    /// Deletes the part and its record.
    func discard() {
        unlink(path + ".json")
        unlink(path)
    }
}

/// Free space of a file system.
package enum DiskSpace {
    /// The space that remains free in any case.
    static let reserve: UInt64 = 64 << 20

    /// Bytes that this process may write to the file system of a folder; `nil` if the system does not report it.
    ///
    /// A folder that does not exist yet lies on the disk of the nearest one above it.
    package static func available(in folder: String) -> UInt64? {
        var status = statvfs()
        var place = folder[...]
        while statvfs(String(place), &status) != 0 {
            guard errno == ENOENT, place.utf8.count > 1, let slash = place.lastIndex(of: "/") else { return nil }
            place = slash == place.startIndex ? "/" : place[..<slash]
        }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }

    /// The error for a file that does not fit; `nil` if it does.
    static func violation(_ needed: UInt64, available: UInt64?, in folder: String) -> DownloadError? {
        guard let available, needed > 0, needed &+ reserve > available else { return nil }
        return DownloadError(
            "\(folder) has \(available >> 20) MiB of free space; the download needs \(needed >> 20) MiB and a reserve of "
                + "\(reserve >> 20) MiB")
    }
}
