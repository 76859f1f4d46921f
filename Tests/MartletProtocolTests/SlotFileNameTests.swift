import MartletProtocol
import Testing

/// The name of a saved slot names a file in one folder, and nothing else.
@Suite struct SlotFileNameTests {
    @Test(arguments: ["a", "chat.bin", "Gespräch 7", "a.b.c", "-x", String(repeating: "x", count: 255)])
    func plainNamesAreAccepted(name: String) throws {
        #expect(try SlotFileName(name).description == name)
    }

    @Test(
        arguments: [
            ("", "must not be empty"), ("a/b", "must not contain the byte 0x2F"),
            ("a\\b", "must not contain the byte 0x5C"), ("c:b", "must not contain the byte 0x3A"),
            ("a\0b", "must not contain the byte 0x0"), ("a\nb", "must not contain the byte 0xA"),
            ("..", "must not contain '..'"), ("a..b", "must not contain '..'"), (".", "must not begin with '.'"),
            (".hidden", "must not begin with '.'"),
            (String(repeating: "é", count: 128), "must have at most 255 bytes, not 256"),
        ])
    func otherNamesAreRefused(name: String, rule: String) {
        do throws(SlotFileNameError) {
            _ = try SlotFileName(name)
            Issue.record("\(name) was accepted")
        } catch { #expect(error.description == rule) }
    }
}
