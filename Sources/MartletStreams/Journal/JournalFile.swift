internal import MartletFiles

/// A file that grows at its end. Errors name its path.
struct JournalFile: ~Copyable {
    private let path: String
    private let file: any DiskFile

    /// Opens a file of `disk`; a new file may be read by its owner only.
    init(_ path: String, for purpose: OpenFile.Purpose, on disk: any Disk) throws(JournalError) {
        self.path = path
        do throws(FileError) {
            file = try disk.open(path, for: purpose)
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
        do throws(FileError) {
            try file.shorten(to: byteCount)
        } catch {
            throw JournalError("shorten", path, error)
        }
    }

    /// Returns when the appended bytes survive the loss of power.
    borrowing func sync() throws(JournalError) {
        do throws(FileError) {
            try file.sync()
        } catch {
            throw JournalError("sync", path, error)
        }
    }
}
