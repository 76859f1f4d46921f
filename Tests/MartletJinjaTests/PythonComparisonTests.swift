import Foundation
import MartletJSON
import MartletText
import Testing

@testable import MartletJinja

/// Random templates against Python's Jinja 3.1.6: `scripts/jinja-fixtures` wrote them with its results.
@Suite struct PythonComparisonTests {
    struct Row: Sendable {
        var source: String
        /// `nil` = Python refuses the template or fails to render it.
        var expected: String?
    }

    private static func rows() throws -> [Row] {
        let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        let data = try Data(contentsOf: URL(filePath: folder + "/Fixtures/random.jsonl"))
        return try data.split(separator: UInt8(ascii: "\n")).map { line in
            let json = try JSONParser.parse(Array(line))
            return Row(source: try #require(json["source"]?.stringValue), expected: json["expected"]?.stringValue)
        }
    }

    @Test func randomTemplatesRenderAsInPython() throws {
        let rows = try Self.rows()
        #expect(rows.count >= 1_000 && rows.contains { $0.expected == nil })
        for row in rows {
            do throws(TemplateError) {
                let text = try render(row.source, sampleVariables).text
                guard let expected = row.expected else {
                    Issue.record("Python refuses \(row.source), which renders as \(text.debugDescription)")
                    continue
                }
                #expect(
                    text.hasSameBytes(as: expected),
                    "\(row.source): \(text.debugDescription), in Python \(expected.debugDescription)")
            } catch {
                #expect(row.expected == nil, "\(row.source): \(error), in Python \(row.expected ?? "")")
            }
        }
    }

    /// The same rows in one template have the same results: no expression leaves something behind for the next.
    @Test func templatesInARowDoNotChangeEachOther() throws {
        let rows = try Self.rows().filter { row in
            row.expected != nil && !row.source.contains("set ") && !row.source.contains("macro")
                && !row.source.contains("\n")
        }
        for start in stride(from: 0, to: rows.count - 20, by: 20) {
            let part = rows[start..<start + 20]
            let source = part.map(\.source).joined(separator: "<|>")
            let expected = part.map { $0.expected ?? "" }.joined(separator: "<|>")
            let text = try render(source, sampleVariables).text
            #expect(text.hasSameBytes(as: expected))
        }
    }
}
