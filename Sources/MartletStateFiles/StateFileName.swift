/// The name of an entry in the folder of a disk tier: the beginning of its fingerprint, and a number.
///
/// Example: `3fa81c0d9be22170-00c4e1f2a9b37d58.kvstate`. Entries of several models may therefore be in one folder, and a
/// worker reads only the heads of its own.
package struct StateFileName: Sendable, Hashable, CustomStringConvertible {
    static let suffix = ".kvstate"
    /// A file that is being written; it is renamed when it is complete.
    static let temporarySuffix = ".kvstate.tmp"

    /// Sixteen hexadecimal digits.
    package let fingerprintPrefix: String
    package let number: UInt64

    package init(_ fingerprint: StateFingerprint, number: UInt64) {
        fingerprintPrefix = fingerprint.prefix
        self.number = number
    }

    /// Parses a name in a folder.
    ///
    /// - Returns: `nil` if the folder's owner may not touch the file, because no disk tier gave it this name.
    package init?(_ name: String) {
        guard name.hasSuffix(Self.suffix) else { return nil }
        let parts = name.dropLast(Self.suffix.count).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 16 && $0.utf8.allSatisfy(Self.isDigit) }),
            let number = UInt64(parts[1], radix: 16)
        else { return nil }
        fingerprintPrefix = String(parts[0])
        self.number = number
    }

    package var description: String { "\(fingerprintPrefix)-\(Self.hexadecimal(number))\(Self.suffix)" }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }

    static func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
