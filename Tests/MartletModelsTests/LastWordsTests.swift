import MartletModels
import Testing

@Suite struct LastWordsTests {
    struct Case: Sendable {
        var lines: [String]
        var words: String?
    }

    private static let assertion = "ggml.c:12: GGML_ASSERT(x > 0) failed"
    private static let exception = "terminate called after throwing an instance of 'std::bad_alloc'"

    static let cases = [
        Case(lines: [], words: nil),
        Case(lines: ["info engine: loaded"], words: nil),
        Case(lines: [assertion], words: assertion),
        Case(lines: ["plain", "info engine: a", assertion, "debug engine: b"], words: assertion),
        Case(
            lines: [exception, "  what():  std::bad_alloc", "#0 frame"], words: exception + " what(): std::bad_alloc"),
    ]

    @Test(arguments: cases) func theWordsOfALibraryAreKept(sample: Case) {
        var last = LastWords()
        for line in sample.lines { last.note(line) }
        #expect(last.text == sample.words)
    }

    @Test func theyAreShort() {
        var last = LastWords()
        last.note(String(repeating: "x", count: 10_000))
        #expect(last.text?.count == 600)
    }
}
