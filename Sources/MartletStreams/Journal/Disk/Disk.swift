package import MartletFiles

/// The operations of a file system that journals need.
///
/// A server uses `SystemDisk`. A simulation uses a disk in memory that fails, loses what was not synced, and ends a
/// process in the middle of an operation.
///
/// Thread: any. Each operation may block.
package protocol Disk: Sendable {
    /// Makes a folder that only its owner may use; an existing folder is no error.
    func makeFolder(_ path: String) throws(FileError)

    /// Denies all access to a folder to other users.
    func closeToOthers(_ folder: String) throws(FileError)

    /// The kind of the entry at a path.
    /// - Parameter followsLinks: whether the kind of a symbolic link is that of its target.
    func kind(of path: String, followsLinks: Bool) throws(FileError) -> FileKind

    /// Opens a regular file without following a link at the end of the path. An entry of another kind is an error.
    func open(_ path: String, for purpose: OpenFile.Purpose) throws(FileError) -> any DiskFile

    /// All entries of a folder, in no order; none if there is no folder.
    func entries(of folder: String) throws(FileError) -> [FolderEntry]

    /// The time of the last change of an entry's contents, name or attributes, in seconds since 1970; nil if there is no
    /// such entry.
    func changeTime(of entry: FolderEntry, in folder: String) -> Int64?

    /// Moves an entry of any kind. A file of the new name is replaced.
    func move(_ entry: FolderEntry, from folder: String, to other: String, as name: FolderEntry) throws(FileError)

    /// Removes a file.
    func removeFile(_ entry: FolderEntry, in folder: String) throws(FileError)

    /// Removes an empty folder.
    func removeFolder(_ entry: FolderEntry, in folder: String) throws(FileError)

    /// Returns when the names in a folder survive the loss of power: new, moved and removed ones.
    func syncNames(in folder: String) throws(FileError)

    /// Locks a file, which is made if it is absent. The lock ends with the returned value.
    /// - Returns: nil if another process has the lock.
    func lock(_ path: String) throws(FileError) -> (any DiskLock)?
}

/// A regular file of a disk. It is closed with the last reference.
///
/// Thread: one at a time.
package protocol DiskFile: AnyObject, Sendable, JournalSource {
    /// Appends all bytes.
    /// - Throws: when the write fails. Any number of the bytes may have been appended.
    func append(_ bytes: [UInt8]) throws(FileError)

    /// Cuts the file to `byteCount` bytes.
    func shorten(to byteCount: Int) throws(FileError)

    /// Returns when the contents survive the loss of power.
    func sync() throws(FileError)
}

/// A lock of a file, which ends with the last reference.
package protocol DiskLock: AnyObject, Sendable {}
