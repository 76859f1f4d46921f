internal import HummingbirdTLS
internal import MartletFiles
internal import NIOCore
internal import NIOSSL

/// The PEM files that make a server speak HTTPS.
package struct TLSFiles: Sendable {
    /// The certificate first, then those that lead to its root.
    package var certificatePath: String
    package var keyPath: String

    package init(certificatePath: String, keyPath: String) {
        self.certificatePath = certificatePath
        self.keyPath = keyPath
    }

    /// Most bytes of a file.
    private static let maximumByteCount = 1 << 20

    private static func bytes(of path: String) throws(FileError) -> [UInt8] {
        try OpenFile.bytes(of: path, upTo: maximumByteCount)
    }

    /// Reads both files. Clients need TLS 1.2 or newer.
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
        // How long a peer may take to agree to the end: no reason to hold a connection or a shutdown.
        configuration.shutdownTimeout = .milliseconds(250)
        do {
            // A key that does not belong to the certificate shows only here.
            _ = try NIOSSLContext(configuration: configuration)
        } catch {
            throw .unusable(flag: "--ssl-cert-file and --ssl-key-file", path: "\(certificatePath), \(keyPath)", error)
        }
        return configuration
    }
}
