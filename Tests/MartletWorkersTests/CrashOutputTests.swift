import MartletWorkers
import Testing

@Suite struct CrashOutputTests {
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

    @Test(arguments: cases) func theCrashOutputOfALibraryIsRetained(sample: Case) {
        var output = CrashOutput()
        for line in sample.lines { output.append(line) }
        #expect(output.text == sample.words)
    }

    @Test func theyAreShort() {
        var output = CrashOutput()
        output.append(String(repeating: "x", count: 10_000))
        #expect(output.text?.utf8.count == 603 && output.text?.hasSuffix("…") == true)
    }
}
