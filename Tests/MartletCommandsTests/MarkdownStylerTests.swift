import Testing

@testable import MartletCommands

/// Markdown of responses, split at every position.
@Suite struct MarkdownStylerTests {
    private static let style = TerminalStyle.styled

    /// The pieces as text with the styles' names in angle brackets.
    private static func described(_ pieces: [StyledText]) -> String {
        var result = ""
        var last = ""
        for piece in pieces where !piece.text.isEmpty {
            let name =
                switch piece.style {
                case style.bold: "b"
                case style.dim: "d"
                case style.code: "c"
                default: piece.isCode ? "code" : ""
                }
            if name != last { result += "<\(name)>" }
            last = name
            result += piece.text
        }
        return result
    }

    @Test(arguments: [
        ("plain", "plain"), ("**Note**: x", "<b>Note<>: x"), ("a `ls -l` b", "a <c>ls -l<> b"),
        ("# Title\ntext", "<b>Title\n<>text"), ("#hashtag", "#hashtag"), ("2 ** 3 * 4", "2 ** 3 * 4"),
        ("a *b* _c_", "a *b* _c_"), ("- item **x**", "- item <b>x"), ("**open\nnext", "<b>open\n<>next"),
        ("```py\nx = **y**\n# no\n```\n**z**", "<d>```py\n<code>x = **y**\n# no\n<d>```\n<b>z"),
        ("````\n```\n````\nx", "<d>````\n<code>```\n<d>````\n<>x"), ("``", "``"), ("a#b", "a#b"), ("***", "***"),
        ("`**`", "<c>**"),
    ])
    func marksBecomeStyles(text: String, expected: String) {
        for split in 0...text.count {
            var styler = MarkdownStyler(style: Self.style)
            var pieces = styler.append(String(text.prefix(split)))
            pieces += styler.append(String(text.dropFirst(split)))
            pieces += styler.finish()
            #expect(Self.described(pieces) == expected, "split at \(split)")
        }
    }

    @Test func withoutStylesTheTextIsUnchanged() {
        var styler = MarkdownStyler(style: .plain)
        #expect(styler.append("# **a**") == [StyledText("# **a**")])
        #expect(styler.finish() == [])
    }
}
