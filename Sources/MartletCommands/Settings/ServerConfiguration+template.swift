import MartletChat
import MartletJSON
import MartletJinja
import MartletServer
import MartletText
import OrderedCollections

extension ServerConfiguration {
    /// The chat template of the settings: a built-in one, a text, or a file; `nil` = the template of the model file.
    /// - Throws: If the template does not parse, or a name is unknown.
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

    /// The variables of the template. `--reasoning` and the related settings override `--chat-template-kwargs`.
    ///
    /// Templates have no common names for these variables, so each known spelling is set.
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

    /// The source, if it parses.
    private static func checked(_ source: String, _ subject: String) throws(SettingError) -> String {
        do {
            _ = try ChatTemplate.parse(source)
        } catch {
            throw SettingError("\(subject): \(error)")
        }
        return source
    }

    /// The error for a text that is neither a template nor a name, with the nearest name.
    private static func unknownName(_ text: String) -> SettingError {
        let names = BuiltInTemplate.names
        let nearest = EditDistance.nearest(to: text, among: names).map { "did you mean \($0)? " } ?? ""
        return SettingError(
            "--chat-template must be a template that reads 'messages' or the name of a built-in template, not "
                + "'\(text)'; \(nearest)names are " + names.joined(separator: ", "))
    }
}
