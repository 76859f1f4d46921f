internal import CSandbox
internal import MartletPlatform

/// The rights that a downloading process gives up: it has the network and the folders of its files, and nothing else.
///
/// Linux enforces it with Landlock from 5.13 on. Other systems have no such call for a process that runs, so a download has
/// all rights of its user there.
package enum DownloadSandbox {
    /// The result of entering the sandbox.
    package enum Outcome: Sendable, Equatable {
        case entered
        /// The system has no such sandbox, or refuses it.
        case unavailable(errno: Int32)
    }

    /// Paths that TLS, the look-up of names and the runtime read: certificates, libraries, resolvers, facts of the system.
    private static let systemPaths = [
        "/etc", "/usr", "/lib", "/lib64", "/nix/store", "/var/lib/ca-certificates", "/run/systemd/resolve",
        "/run/resolvconf", "/run/NetworkManager", "/run/nscd", "/proc", "/sys", "/dev",
    ]

    /// Enters the sandbox with the calling thread and the threads that it starts later.
    ///
    /// - Parameters:
    ///   - folders: the folders whose files are made and changed. They must exist.
    ///   - reading: further paths that are read, such as certificates of the environment.
    package static func enter(writing folders: [String], reading: [String] = []) -> Outcome {
        let error = withPaths(folders) { writable in
            withPaths(systemPaths + reading) { readable in
                martlet_sandbox_download(
                    writable.baseAddress, Int32(folders.count), readable.baseAddress,
                    Int32(systemPaths.count + reading.count))
            }
        }
        return error == 0 ? .entered : .unavailable(errno: error)
    }

    /// Makes a folder and those above it, so that a rule can name it.
    /// - Returns: whether it exists now.
    package static func prepare(_ folder: String) -> Bool { (try? FileDownload.makeFolder(folder)) != nil }

    /// The paths as an array of C, valid within the call.
    private static func withPaths<Result>(
        _ paths: [String], _ body: (UnsafeBufferPointer<UnsafePointer<CChar>?>) -> Result
    ) -> Result {
        let copies = paths.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return copies.map { UnsafePointer($0) }.withUnsafeBufferPointer(body)
    }
}
