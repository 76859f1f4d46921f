import MartletChat
import MartletServer

extension ServerConfiguration {
    /// The chat template that settings name: built in, as text, or in a file; `nil` = the model's own.
    static func chatTemplate(_ values: SettingValues) throws(SettingError) -> String? {
        switch try values.chosen(of: .chatTemplate, .chatTemplateFile) {
        case .chatTemplate?:
            let text = values.text(.chatTemplate) ?? ""
            if let source = BuiltInTemplate.source(named: text) { return source }
            guard text.contains("{") else { throw unknownName(text) }
            return try checked(text, "--chat-template")
        case .chatTemplateFile?:
            let path = values.text(.chatTemplateFile) ?? ""
            return try checked(SmallFile.text(path, for: "--chat-template-file"), "--chat-template-file: \(path)")
        default: return nil
        }
    }

    private static func checked(_ source: String, _ subject: String) throws(SettingError) -> String {
        do {
            _ = try ChatTemplate.parse(source)
        } catch {
            throw SettingError("\(subject): \(error)")
        }
        return source
    }

    private static func unknownName(_ text: String) -> SettingError {
        let names = BuiltInTemplate.names
        let nearest = EditDistance.nearest(to: text, among: names).map { "did you mean \($0)? " } ?? ""
        return SettingError(
            "--chat-template must be a template that reads 'messages' or the name of one that is built in, not "
                + "'\(text)'; \(nearest)names are " + names.joined(separator: ", "))
    }
}
