internal import Logging
internal import MartletPlatform
internal import NIOCore
internal import NIOSSL
internal import Synchronization

/// The certificate that new connections are shown: what its files hold now. Connections that are open keep theirs.
///
/// The files are looked at when a connection comes, at most once a second, so an idle server does nothing. A pair that
/// cannot be used, such as a new certificate whose key is not there yet, changes nothing.
///
/// Thread: any.
final class CertificateStore: Sendable {
    /// What changes when a file is written or replaced.
    private struct Signature: Equatable {
        var device: UInt64
        var file: UInt64
        var size: Int64
        var seconds: Int
        var nanoseconds: Int
    }
    private struct Guarded {
        var configuration: TLSConfiguration
        /// Of the files when they were last read, whether or not they could be used.
        var signatures: [Signature?]
        var checkedAt: ContinuousClock.Instant
    }

    private static let checkInterval: Duration = .seconds(1)

    private let files: TLSFiles
    private let logger: Logger
    private let guarded: Mutex<Guarded>

    /// - Throws: When the files cannot be used now.
    init(_ files: TLSFiles, logger: Logger, now: ContinuousClock.Instant = .now) throws(EdgeServerError) {
        self.files = files
        self.logger = logger
        guarded = Mutex(
            Guarded(configuration: try files.read(), signatures: Self.signatures(of: files), checkedAt: now))
    }

    /// For the listener: shows each new connection the certificate of its time.
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

    /// What is shown to a connection that comes `now`.
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

    /// Reads the files again, whether or not they look changed.
    func reload() {
        guarded.withLock { read(Self.signatures(of: files), &$0) }
    }

    private func read(_ signatures: [Signature?], _ guarded: inout Guarded) {
        guarded.signatures = signatures
        do throws(EdgeServerError) {
            guarded.configuration = try files.read()
            logger.info("the certificate was read again; new connections are shown it")
        } catch {
            logger.error("the certificate stays as it was", metadata: ["error": "\(error)"])
        }
    }

    /// - Returns: `nil` for a file that is not there.
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
