internal import MartletFiles
internal import MartletPlatform

/// A file that grows at its end.
struct JournalFile: ~Copyable {
    private let path: String
    private let file: OpenFile

    /// Makes a file that only its owner may read.
    init(creating path: String, replaces: Bool = false) throws(JournalError) {
        try self.init(path, for: replaces ? .replacing : .creating)
    }

    /// Opens an existing file for appending.
    init(extending path: String) throws(JournalError) { try self.init(path, for: .appending) }

    private init(_ path: String, for purpose: OpenFile.Purpose) throws(JournalError) {
        self.path = path
        do throws(FileError) {
            file = try OpenFile.regular(path, for: purpose, followsLinks: false)
        } catch {
            throw JournalError("open", path, error)
        }
    }

    /// Appends all bytes.
    /// - Throws: when the write fails. Any number of the bytes may have been appended.
    borrowing func append(_ bytes: [UInt8]) throws(JournalError) {
        do throws(FileError) {
            try file.append(bytes)
        } catch {
            throw JournalError("write", path, error)
        }
    }

    /// Cuts the file to `byteCount` bytes.
    borrowing func shorten(to byteCount: Int) throws(JournalError) {
        guard ftruncate(file.descriptor, off_t(byteCount)) == 0 else { throw JournalError("shorten", path) }
    }

    /// Returns when the appended bytes survive the loss of power.
    borrowing func sync() throws(JournalError) {
        #if canImport(Darwin)
            guard fcntl(file.descriptor, F_FULLFSYNC) != -1 else { throw JournalError("sync", path) }
        #else
            guard fdatasync(file.descriptor) == 0 else { throw JournalError("sync", path) }
        #endif
    }
}
