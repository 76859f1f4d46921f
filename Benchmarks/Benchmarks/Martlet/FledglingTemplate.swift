import Foundation

/// The chat template of the model that ships with the repository.
func fledglingTemplate() throws -> String {
    let repository = URL(filePath: #filePath).appending(path: "../../../..").standardized
    return try String(contentsOf: repository.appending(path: "tools/fledgling/chat_template.jinja"), encoding: .utf8)
}
