import MartletDownloads
import MartletModels
import MartletPlatform

extension MartletCommand {
    /// Restricts this process if it is the download of a server (`martlet pull --ends-with-input`): it has the network, its
    /// folders, and nothing else.
    ///
    /// Must be called by the first thread before other threads exist.
    package static func restrictDownload() {
        let arguments = CommandLine.arguments.dropFirst()
        guard arguments.first == "pull", arguments.contains("--ends-with-input"), !arguments.contains("--no-sandbox")
        else {
            return
        }
        let folders = [
            HubCache.folder(environment: CurrentProcess.environment),
            DownloadRequest.downloadFolder(environment: CurrentProcess.environment),
        ].compactMap { $0 }.filter(DownloadSandbox.prepare)
        let certificates = ["SSL_CERT_FILE", "SSL_CERT_DIR"].compactMap { CurrentProcess.environment($0) }
        guard case .unavailable(let number) = DownloadSandbox.enter(writing: folders, reading: certificates) else {
            return
        }
        #if os(Linux)
            Terminal.write(
                "martlet: the download has all rights of this user, because the system has no sandbox for it: "
                    + "\(String(cString: strerror(number)))\n", to: STDERR_FILENO)
        #else
            _ = number
        #endif
    }
}
