import Testing

@testable import MartletCommands

@Suite struct KeyDecoderTests {
    private func keys(_ bytes: [UInt8]) -> [KeyPress] {
        var decoder = KeyDecoder()
        return bytes.compactMap { decoder.feed($0) }
    }

    private func keys(_ text: String) -> [KeyPress] { keys(Array(text.utf8)) }

    @Test func charactersOfAllLengthsArriveWhole() {
        #expect(keys("aé世🎉") == [.character("a"), .character("é"), .character("世"), .character("🎉")])
    }

    @Test(arguments: [
        ("\u{1B}[A", KeyPress.up), ("\u{1B}[B", .down), ("\u{1B}[C", .right), ("\u{1B}[D", .left), ("\u{1B}OA", .up),
        ("\u{1B}[H", .home), ("\u{1B}[F", .end), ("\u{1B}[1~", .home), ("\u{1B}[4~", .end), ("\u{1B}[3~", .delete),
        ("\u{1B}[1;5C", .wordRight), ("\u{1B}[1;5D", .wordLeft), ("\u{1B}b", .wordLeft), ("\u{1B}f", .wordRight),
        ("\u{1B}\u{7F}", .deleteWordBackward), ("\u{17}", .deleteWordBackward), ("\u{15}", .deleteToStart),
        ("\u{0B}", .deleteToEnd), ("\u{01}", .home), ("\u{05}", .end), ("\u{03}", .interrupt),
        ("\u{04}", .endOfInput), ("\r", .enter), ("\u{7F}", .backspace), ("\u{08}", .backspace),
        ("\u{0C}", .clearScreen), ("\u{09}", .tab), ("\u{12}", .searchHistory), ("\u{1A}", .suspend),
        ("\u{1B}\r", .newline), ("\u{1B}\n", .newline), ("\u{1B}[13;2u", .newline), ("\u{1B}[27;2;13~", .newline),
    ])
    func keysOfTerminalsAreKnown(bytes: String, key: KeyPress) {
        #expect(keys(bytes) == [key])
    }

    @Test func pastedTextIsOneKeyAndItsLineBreaksDoNotSubmit() {
        #expect(keys("\u{1B}[200~one\rtwo\t\u{1B}[31mx\u{1B}[201~!") == [.paste("one\ntwo [31mx"), .character("!")])
    }

    @Test func escapeIsAKeyWhenNothingFollows() {
        var decoder = KeyDecoder()
        #expect(decoder.feed(0x1B) == nil)
        #expect(decoder.pause() == .escape)
        #expect(decoder.pause() == nil)
        #expect(decoder.feed(0x61) == .character("a"))
    }

    @Test func brokenBytesAreDropped() {
        #expect(keys([0xFF, 0xC3, 0x61, 0x80, 0x62]) == [.character("a"), .character("b")])
        // A sequence that does not end is given up; what follows is text again.
        let endless = "\u{1B}[" + String(repeating: "9", count: 40) + "x"
        #expect(keys(endless).last == .character("x"))
        #expect(keys(endless).count < 20)
    }
}
