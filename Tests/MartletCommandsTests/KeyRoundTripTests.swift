import MartletTestSupport
import Testing

@testable import MartletCommands

/// Keys as the bytes of a terminal, and back.
@Suite struct KeyRoundTripTests {
    private static let sequences: [(bytes: String, key: KeyPress)] = [
        ("\u{1B}[A", .up), ("\u{1B}[B", .down), ("\u{1B}[C", .right), ("\u{1B}OD", .left), ("\u{1B}[H", .home),
        ("\u{1B}[8~", .end), ("\u{1B}[3~", .delete), ("\u{1B}[1;3C", .wordRight), ("\u{1B}[1;5D", .wordLeft),
        ("\u{17}", .deleteWordBackward), ("\u{15}", .deleteToStart), ("\u{0B}", .deleteToEnd), ("\r", .enter),
        ("\u{7F}", .backspace), ("\u{0C}", .clearScreen), ("\u{03}", .interrupt), ("\u{04}", .endOfInput),
    ]
    private static let characters: [Character] = ["a", "~", "[", "é", "ß", "世", "🎉", " "]

    @Test(arguments: 0..<100) func everySequenceOfKeysIsDecoded(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var bytes: [UInt8] = []
        var keys: [KeyPress] = []
        for _ in 0..<100 {
            switch Int.random(in: 0..<3, using: &random) {
            case 0:
                let character = Self.characters[Int.random(in: 0..<Self.characters.count, using: &random)]
                bytes += Array(String(character).utf8)
                keys.append(.character(character))
            case 1:
                let (text, key) = Self.sequences[Int.random(in: 0..<Self.sequences.count, using: &random)]
                bytes += Array(text.utf8)
                keys.append(key)
            default:
                let text = String((0..<5).map { _ in Self.characters[Int.random(in: 0..<8, using: &random)] })
                bytes += Array("\u{1B}[200~\(text)\u{1B}[201~".utf8)
                keys.append(.paste(text))
            }
        }
        var decoder = KeyDecoder()
        #expect(bytes.compactMap { decoder.feed($0) } == keys)
        #expect(decoder.pause() == nil)
    }

    @Test(arguments: 0..<50) func noBytesStopTheDecoder(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed) + 500)
        var decoder = KeyDecoder()
        for _ in 0..<2_000 {
            let bytes: [UInt8] = [0x1B, 0x5B, 0x7E, 0x32, 0x30, 0xC3, 0xE4, 0xF0, 0x80, 0x9F]
            let byte =
                Bool.random(using: &random)
                ? bytes[Int.random(in: 0..<bytes.count, using: &random)] : UInt8.random(in: 0...255, using: &random)
            if case .character(let character)? = decoder.feed(byte) {
                #expect(!character.unicodeScalars.contains { $0.value < 0x20 }, "a control character is no text")
            }
        }
        // The end of a paste and a line break bring every state back to text.
        _ = Array("\u{1B}[201~\r".utf8).map { decoder.feed($0) }
        #expect(decoder.feed(UInt8(ascii: "k")) == .character("k"))
    }
}
