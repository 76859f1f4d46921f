import MartletText
import Testing

@Suite struct ExactStringTests {
    private static let composed = "caf\u{E9}"
    private static let decomposed = "cafe\u{301}"

    @Test(arguments: [
        (composed, composed, true), (composed, decomposed, false), ("", "", true), ("", "a", false),
        ("ab", "abc", false),
        ("K", "\u{212A}", false), ("a;", "a\u{37E}", false), ("\r\n", "\r\n", true),
        ("\u{1100}\u{1161}", "\u{AC00}", false),
        ("\0", "", false),
    ])
    func twoTextsAreTheSameIfTheirBytesAre(left: String, right: String, isSame: Bool) {
        #expect(left.hasSameBytes(as: right) == isSame)
        #expect(left[...].hasSameBytes(as: right) == isSame)
        #expect((ExactString(left) == ExactString(right)) == isSame)
        #expect(Set([ExactString(left), ExactString(right)]).count == (isSame ? 1 : 2))
    }

    @Test func aPrefixIsOneAlsoInFrontOfACombiningCharacter() {
        #expect(Self.decomposed.hasBytes(ofPrefix: "cafe"))
        #expect(!Self.decomposed.hasPrefix("cafe"))
        #expect(!Self.composed.hasBytes(ofPrefix: "cafe"))
        #expect("abc".hasBytes(ofPrefix: "") && !"".hasBytes(ofPrefix: "a"))
    }

    @Test func stringsAreSortedByCodePoints() {
        let texts = ["\u{E9}", "e\u{301}", "z", "", "e"].map { ExactString($0) }
        #expect(texts.sorted().map(\.text) == ["", "e", "e\u{301}", "z", "\u{E9}"])
    }

    @Test func dictionariesAndSetsAreQueriedByPlainStrings() {
        var numbers: [ExactString: Int] = [:]
        numbers[Self.composed] = 1
        numbers[Self.decomposed, default: 1] += 1
        #expect(numbers[Self.composed] == 1 && numbers[Self.decomposed] == 2)
        #expect(numbers.removeValue(forKey: Self.composed) == 1 && numbers.count == 1)
        var names: Set<ExactString> = Set([Self.composed])
        #expect(!names.contains(Self.decomposed))
        #expect(names.insert(Self.decomposed) && !names.insert(Self.composed))
        #expect([Self.composed].containsBytes(of: Self.composed) && ![Self.composed].containsBytes(of: Self.decomposed))
    }
}
