internal import Logging
internal import MartletPlatform
internal import NIOCore
internal import NIOSSL
internal import Synchronization

/// The certificate for new connections: the current content of its files. Open connections continue with theirs.
///
/// The files' metadata is read when a connection is accepted, at most once per second, so an idle server does nothing.
/// A
/// pair that cannot be used, such as a new certificate before its key, is ignored until a file changes again.
///
/// Thread: any.
final class CertificateStore: Sendable {
    /// The metadata that changes when a file is written or replaced.
    private struct Signature: Equatable {
        var device: UInt64
        var file: UInt64
        var size: Int64
        var seconds: Int
        var nanoseconds: Int
    }
    private struct Guarded {
        var configuration: TLSConfiguration
        /// The files' metadata at the last reading, whether or not it succeeded.
        var signatures: [Signature?]
        var checkedAt: ContinuousClock.Instant
    }

    /// The least time between two looks at the files.
    private static let checkInterval: Duration = .seconds(1)

    private let files: TLSFiles
    private let logger: Logger
    private let guarded: Mutex<Guarded>

    /// - Throws: if the files cannot be used now.
    init(_ files: TLSFiles, logger: Logger, now: ContinuousClock.Instant = .now) throws(EdgeServerError) {
        self.files = files
        self.logger = logger
        guarded = Mutex(
            Guarded(configuration: try files.read(), signatures: Self.signatures(of: files), checkedAt: now))
    }

    /// The listener's configuration. Its callback selects the certificate of each new connection.
    var configuration: TLSConfiguration {
        var configuration = guarded.withLock { $0.configuration }
        configuration.sslContextCallback = { [self] _, promise in
            let current = current(at: .now)
            var override = NIOSSLContextConfigurationOverride()
            override.certificateChain = current.certificateChain
            override.privateKey = current.privateKey
            promise.succeed(override)
        }
        return configuration
    }

    /// The configuration for a connection that is accepted at `now`.
    func current(at now: ContinuousClock.Instant) -> TLSConfiguration {
        guarded.withLock { guarded in
            if guarded.checkedAt.duration(to: now) >= Self.checkInterval {
                guarded.checkedAt = now
                let signatures = Self.signatures(of: files)
                if signatures != guarded.signatures { read(signatures, &guarded) }
            }
            return guarded.configuration
        }
    }

    /// Reads the files again, even if their metadata did not change.
    func reload() {
        guarded.withLock { read(Self.signatures(of: files), &$0) }
    }

    private func read(_ signatures: [Signature?], _ guarded: inout Guarded) {
        guarded.signatures = signatures
        do throws(EdgeServerError) {
            guarded.configuration = try files.read()
            logger.info("read the certificate again; new connections use it")
        } catch {
            logger.error("cannot read the certificate again; the old one stays in use", metadata: ["error": "\(error)"])
        }
    }

    /// - Returns: one element per file; nil for a missing file.
    private static func signatures(of files: TLSFiles) -> [Signature?] {
        [files.certificatePath, files.keyPath].map { path in
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            #if canImport(Darwin)
                let time = status.st_mtimespec
            #else
                let time = status.st_mtim
            #endif
            return Signature(
                device: UInt64(truncatingIfNeeded: status.st_dev), file: UInt64(status.st_ino),
                size: Int64(status.st_size), seconds: Int(time.tv_sec), nanoseconds: Int(time.tv_nsec))
        }
    }
}
