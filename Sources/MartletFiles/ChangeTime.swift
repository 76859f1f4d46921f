internal import MartletPlatform

/// The time of the last change of a directory entry's inode: creation, renaming, or a change of contents or
/// attributes.
package enum ChangeTime {
    /// The time in seconds since 1970; `nil` if there is no such entry. Symbolic links are not followed.
    ///
    /// - Parameter path: a path that ends with a zero byte.
    package static func seconds(of path: [CChar]) -> Int64? {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        #if canImport(Darwin)
            return Int64(status.st_ctimespec.tv_sec)
        #else
            return Int64(status.st_ctim.tv_sec)
        #endif
    }
}
