import MartletJSON
import Testing

@testable import MartletChat

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The folder with templates of many models and what Python's Jinja makes of them. It lies beside the project, not in it:
/// where it is missing, these tests are skipped.
private let folder: String = {
    let file = #filePath
    let root = file.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
    return root + "/../shared/chat-templates"
}()

private func read(_ path: String) -> [UInt8]? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
    return bytes
}

private func json(_ name: String) throws -> JSONValue { try JSONParser.parse(read("\(folder)/\(name)") ?? []) }

private let hasGoldens = read(folder + "/cases.json") != nil

private func names() throws -> [String] {
    let directory = try #require(opendir(folder + "/templates"))
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name.hasSuffix(".jinja") { names.append(String(name.dropLast(6))) }
    }
    return names.sorted()
}

@Suite("Golden prompts", .enabled(if: hasGoldens, "../shared/chat-templates is not there"))
struct GoldenTests {
    @Test func everyTemplateRendersAsInPython() throws {
        let cases = try #require(try json("cases.json").arrayValue)
        var rendered = 0
        var raised = 0
        for name in try names() {
            let source = String(decoding: read("\(folder)/templates/\(name).jinja") ?? [], as: UTF8.self)
            let golden = try json("golden/\(name).json")
            let template = try JinjaTemplate(source)
            for testCase in cases {
                let label = try #require(testCase["name"]?.stringValue)
                let expected = try #require(golden[label], "\(name) \(label)")
                let input = JinjaTemplate.Input(
                    messages: testCase["messages"]?.arrayValue ?? [], tools: testCase["tools"]?.arrayValue,
                    addsGenerationPrompt: testCase["add_generation_prompt"]?.boolValue ?? true,
                    arguments: testCase["kwargs"]?.objectValue ?? members(), beginningToken: "<BOS>", endToken: "<EOS>",
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
