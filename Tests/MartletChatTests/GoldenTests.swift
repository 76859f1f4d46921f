import MartletJSON
import MartletJinja
import Testing

@testable import MartletChat

@Suite("Golden prompts", .enabled(if: TemplateFolder.isThere, "../shared/chat-templates is not there"))
struct GoldenTests {
    @Test func everyTemplateRendersAsInPython() throws {
        let cases = try #require(try TemplateFolder.json("cases.json").arrayValue)
        var rendered = 0
        var raised = 0
        for name in try TemplateFolder.names() {
            let source = String(
                decoding: TemplateFolder.read("\(TemplateFolder.path)/templates/\(name).jinja") ?? [], as: UTF8.self)
            let golden = try TemplateFolder.json("golden/\(name).json")
            let template = try JinjaTemplate(source)
            for testCase in cases {
                let label = try #require(testCase["name"]?.stringValue)
                let expected = try #require(golden[label], "\(name) \(label)")
                let input = JinjaTemplate.Input(
                    messages: testCase["messages"]?.arrayValue ?? [], tools: testCase["tools"]?.arrayValue,
                    addsGenerationPrompt: testCase["add_generation_prompt"]?.boolValue ?? true,
                    arguments: testCase["kwargs"]?.objectValue ?? [:], beginningToken: "<BOS>", endToken: "<EOS>",
                    now: try #require(TemplateTime("2026-01-15T10:30:00")))
                do {
                    let text = try template.render(input).text
                    let wanted = expected["text"]?.stringValue
                    #expect(
                        wanted.map { Array($0.utf8) } == Array(text.utf8),
                        "\(name), \(label): \(wanted ?? expected["error"]?.stringValue ?? "") BUT \(text)")
                    rendered += 1
                } catch {
                    let message = expected["error"]?.stringValue
                    #expect(message == error.message, "\(name), \(label): \(error)")
                    raised += 1
                }
            }
        }
        #expect(rendered == 809)
        #expect(raised == 92)
    }
}
