import Testing

@testable import MartletChat

@Suite("Page of templates", .enabled(if: TemplateFolder.isThere, "../shared/chat-templates is not there"))
struct TemplatePageTests {
    /// The page is made from the table: `martlet template formats --page FILES > docs/templates.md`.
    @Test func pageOfTemplatesIsCurrent() throws {
        var table = ChatFormatTable()
        for name in try TemplateFolder.names() {
            table.add(
                "\(name).jinja",
                try ChatTemplate(source: TemplateFolder.source(name), beginningToken: "<s>", endToken: "</s>"))
        }
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let page = try #require(TemplateFolder.read("/\(root)/docs/templates.md"))
        #expect(String(decoding: page, as: UTF8.self) == table.page)
    }

    @Test func everyFormatOfATemplateIsListed() throws {
        let chatFormats = ChatFormatTable.formats()
        for name in try TemplateFolder.names() {
            let template = try ChatTemplate(
                source: TemplateFolder.source(name), beginningToken: "<s>", endToken: "</s>")
            let chatFormat = template.format.format.name
            #expect(chatFormat == "plain" || chatFormats.contains("| \(chatFormat) |"), "\(name): \(chatFormat)")
        }
    }
}
