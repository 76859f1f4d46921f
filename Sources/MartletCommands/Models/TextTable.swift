/// A table for people: columns as wide on a terminal as their widest entry, two blanks between them.
///
/// Example: `text([["A", "B"], ["one", "2"]])` is `A    B` and `one  2`, each with a line break.
enum TextTable {
    /// The text of lines with the same number of cells. Control characters in cells are replaced, because names come
    /// from files and clients. The last cell of a line has no blanks behind it.
    static func text(_ lines: [[String]]) -> String {
        let lines = lines.map { $0.map(\.printable) }
        guard let first = lines.first else { return "" }
        let widths = first.indices.map { column in lines.map { TextWidth.columns($0[column]) }.max() ?? 0 }
        return lines.map { line in
            let cells = zip(line.dropLast(), widths).map { $0.padded(to: $1) }
            return (cells + line.suffix(1)).joined(separator: "  ") + "\n"
        }.joined()
    }
}
