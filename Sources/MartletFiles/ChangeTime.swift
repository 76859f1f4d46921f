internal import MartletPlatform

/// When an entry of a folder was made, moved or changed.
package enum ChangeTime {
    /// The time in seconds since 1970; `nil` = there is no such entry. A link is not followed.
    /// - Parameter path: ends with a zero.
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
