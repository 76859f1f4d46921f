internal import HummingbirdTLS
internal import MartletFiles
internal import NIOCore
internal import NIOSSL

/// The PEM files of an HTTPS server.
package struct TLSFiles: Sendable {
    /// The server's certificate first, then the certificates up to its root.
    package var certificatePath: String
    /// The private key.
    package var keyPath: String

    package init(certificatePath: String, keyPath: String) {
        self.certificatePath = certificatePath
        self.keyPath = keyPath
    }

    /// The most bytes of a file.
    private static let maximumByteCount = 1 << 20

    private static func bytes(of path: String) throws(FileError) -> [UInt8] {
        try OpenFile.bytes(of: path, upTo: maximumByteCount)
    }

    /// Reads both files and checks that they belong together. The protocol is TLS 1.2 or newer.
    /// - Throws: `EdgeServerError` that names the flag and the file.
    func read() throws(EdgeServerError) -> TLSConfiguration {
        let certificates: [NIOSSLCertificate]
        let key: NIOSSLPrivateKey
        do {
            certificates = try NIOSSLCertificate.fromPEMBytes(Self.bytes(of: certificatePath))
        } catch {
            throw .unusable(flag: "--ssl-cert-file", path: certificatePath, error)
        }
        do {
            key = try NIOSSLPrivateKey(bytes: Self.bytes(of: keyPath), format: .pem)
        } catch {
            throw .unusable(flag: "--ssl-key-file", path: keyPath, error)
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: certificates.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        // The time in which a peer may confirm the end. A longer one would delay shutdowns.
        configuration.shutdownTimeout = .milliseconds(250)
        do {
            // Only a context reveals that a key does not belong to the certificate.
            _ = try NIOSSLContext(configuration: configuration)
        } catch {
            throw .unusable(flag: "--ssl-cert-file and --ssl-key-file", path: "\(certificatePath), \(keyPath)", error)
        }
        return configuration
    }
}
