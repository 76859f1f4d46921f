import Foundation
import MartletJSON
import Testing

@testable import MartletCommands

/// `martlet explain` and the lines of commands that name it.
@Suite struct ExplainTests {
    /// A cell of the page as plain text: without the addresses of links.
    private static func plain(_ cell: Substring) -> String {
        String(cell).replacing(/\[([^\]]*)\]\([^)]*\)/) { "\($0.output.1)" }.trimmingCharacters(in: .whitespaces)
    }

    /// docs/errors.md has the same rows in the same order.
    @Test func thePageHasTheRowsOfTheProgram() throws {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let page = try String(contentsOfFile: "/\(root)/docs/errors.md", encoding: .utf8)
        let sections = page.components(separatedBy: "\n## ").filter { $0.hasPrefix("Types") || $0.hasPrefix("Codes") }
        try #require(sections.count == 2)
        let rows = sections.joined(separator: "\n").split(separator: "\n").filter { $0.hasPrefix("| `") }
            .map { $0.split(separator: "|").map(Self.plain) }
        let expected = ErrorReference.all.map { entry in
            ["`\(entry.word)`"] + (entry.status.map { ["\($0)"] } ?? []) + [entry.cause, entry.remedy]
        }
        #expect(rows.count == expected.count)
        for (row, entry) in zip(rows, expected) { #expect(row == entry) }
    }

    @Test(arguments: [
        // The message names field, rule and value.
        (#"{"error":{"code":400,"message":"Field 'n': no","type":"invalid_request_error"}}"#, "Field 'n': no"),
        // A code is more exact than its type.
        (
            #"{"error":{"code":"model_absent","message":"no files","type":"not_found_error"}}"#,
            "no files; see 'martlet explain model_absent'"
        ),
        (
            #"{"error":{"code":503,"message":"busy","type":"overloaded_error"}}"#,
            "busy; see 'martlet explain overloaded_error'"
        ),
        // Words of another server are not explained.
        (#"{"error":{"code":"quota","message":"no","type":"insufficient_quota"}}"#, "no"),
        (#"{"error":"plain"}"#, "plain"),
        (#"{"error":{"detail":1}}"#, #"{"detail":1}"#),
    ]) func aLineNamesTheCommandThatHasTheRemedy(body: String, line: String) throws {
        #expect(ErrorAdvice.line(in: try JSONParser.parse(Array(body.utf8))) == line)
    }

    @Test func aBodyWithoutAnErrorHasNoLine() throws {
        #expect(ErrorAdvice.line(in: try JSONParser.parse(Array(#"{"id":"a"}"#.utf8))) == nil)
    }

    @Test func anEntryHasCauseAndRemedy() throws {
        let entry = try #require(ErrorReference.find("overloaded_error"))
        #expect(
            ExplainCommand.text(entry).hasPrefix(
                "overloaded_error (status 503)\n  cause   a limit of the whole server is reached\n  remedy  wait"))
    }
}
