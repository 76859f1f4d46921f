import MartletChat
import MartletJSON
import MartletJinja
import MartletServer
import OrderedCollections

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

    /// What templates see by name.
    static func templateArguments(_ values: SettingValues) -> JSONObject {
        var arguments = values.object(.chatTemplateArguments)?.objectValue ?? [:]
        switch values.text(.reasoning) {
        case "on": arguments["enable_thinking"] = true
        case "off": arguments["enable_thinking"] = false
        default: break
        }
        switch values.text(.reasoningEffort) {
        case "default", nil: break
        case "none": arguments["enable_thinking"] = false
        case let level?:
            for name in ["reasoning_effort", "reasoning_strength"] { arguments[name] = .string(level) }
        }
        if let preserves = values.toggle(.reasoningPreserve) {
            for name in ["preserve_reasoning", "preserve_thinking"] { arguments[name] = .bool(preserves) }
            for name in ["clear_thinking", "truncate_history_thinking", "drop_thinking"] {
                arguments[name] = .bool(!preserves)
            }
        }
        return arguments
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
