import MartletTestSupport
import Testing

@testable import MartletDigest

private func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

/// A message that differs from those of other lengths at every byte.
private func message(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 * 37 + count) }
}

/// The functions have the values of FIPS 180-4 and of Python's `hashlib`, however the bytes are split.
@Suite struct DigestTests {
    /// With the instructions of this processor, if it has them, and without.
    static let variants = SHA256.hasInstructions ? [true, false] : [false]

    @Test(arguments: variants) func theExamplesOfTheStandardAreFulfilled(usesInstructions: Bool) {
        func digest(_ text: String) -> String {
            var hash = SHA256(usesInstructions: usesInstructions)
            hash.update(text.utf8)
            return hexadecimal(hash.finalize())
        }
        #expect(digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            digest(String(repeating: "a", count: 1_000_000))
                == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    /// Python: `d.update(hashlib.sha256(bytes((i*37+n)%256 for i in range(n))).digest())` for n in range(300).
    @Test(arguments: variants) func everyLengthHasTheDigestOfHashlib(usesInstructions: Bool) {
        var all = SHA256(usesInstructions: usesInstructions)
        for count in 0..<300 {
            var one = SHA256(usesInstructions: usesInstructions)
            one.update(message(count))
            all.update(one.finalize())
        }
        #expect(
            hexadecimal(all.finalize()) == "cbda2bfe94315be958ef3d43c99ec1c77828109493b56677b4b566e1d3ef83f2")
    }

    @Test func thePiecesOfAMessageDoNotMatter() {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<200 {
            let bytes = message(Int.random(in: 0..<1000, using: &random))
            var hash = SHA256()
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 0...150, using: &random))
                // A slice, a lazy collection without storage, and an array.
                switch Int.random(in: 0..<3, using: &random) {
                case 0: hash.update(piece)
                case 1: hash.update(piece.lazy.map { $0 })
                default: hash.update(Array(piece))
                }
                rest = rest.dropFirst(piece.count)
            }
            #expect(hash.finalize() == SHA256.hash(bytes))
            // The receiver can go on after a digest.
            let before = hash
            hash.update([1])
            #expect(before.finalize() == SHA256.hash(bytes))
            #expect(hash.finalize() == SHA256.hash(bytes + [1]))
        }
    }

    /// RFC 6455, section 1.3, has the text of the handshake; its digest there is in base64.
    @Test func theOldDigestHasItsValues() {
        #expect(hexadecimal(SHA1.hash(Array("abc".utf8))) == "a9993e364706816aba3e25717850c26c9cd0d89d")
        #expect(hexadecimal(SHA1.hash([])) == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
        let handshake = "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        #expect(
            SHA1.hash(Array(handshake.utf8)) == [
                0xB3, 0x7A, 0x4F, 0x2C, 0xC0, 0x62, 0x4F, 0x16, 0x90, 0xF6, 0x46, 0x06, 0xCF, 0x38, 0x59, 0x45, 0xB2,
                0xBE, 0xC4, 0xEA,
            ])
        let digests = (0..<300).flatMap { SHA1.hash(message($0)) }
        #expect(hexadecimal(SHA1.hash(digests)) == "a4a92e57adefa2df3b631bfe6c3c8001d8f1d0b8")
    }
}
