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

    /// Opens a file to go on with it.
    init(extending path: String) throws(JournalError) { try self.init(path, for: .appending) }

    private init(_ path: String, for purpose: OpenFile.Purpose) throws(JournalError) {
        self.path = path
        do throws(FileError) {
            file = try OpenFile.regular(path, for: purpose, followsLinks: false)
        } catch {
            throw JournalError("open", path, error)
        }
    }

    /// Adds all bytes, or throws: then any number of them may have been added.
    borrowing func append(_ bytes: [UInt8]) throws(JournalError) {
        do throws(FileError) {
            try file.append(bytes)
        } catch {
            throw JournalError("write", path, error)
        }
    }

    /// Takes back what lies behind `byteCount`.
    borrowing func shorten(to byteCount: Int) throws(JournalError) {
        guard ftruncate(file.descriptor, off_t(byteCount)) == 0 else { throw JournalError("shorten", path) }
    }

    /// Returns when what was added survives the loss of power.
    borrowing func sync() throws(JournalError) {
        #if canImport(Darwin)
            guard fcntl(file.descriptor, F_FULLFSYNC) != -1 else { throw JournalError("sync", path) }
        #else
            guard fdatasync(file.descriptor) == 0 else { throw JournalError("sync", path) }
        #endif
    }
}
