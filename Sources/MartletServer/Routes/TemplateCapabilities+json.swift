internal import MartletChat
internal import MartletJSON

extension TemplateCapabilities {
    /// The capabilities as `/props` shows them, with llama-server's names.
    var json: JSONValue {
        [
            "supports_string_content": .bool(!textRoles.isEmpty),
            "supports_typed_content": .bool(!partsRoles.isEmpty),
            "supports_system_role": .bool(supportsSystemRole),
            "supports_tools": .bool(supportsTools),
            "supports_tool_calls": .bool(supportsToolCalls),
            "supports_parallel_tool_calls": .bool(supportsParallelToolCalls),
            "supports_object_arguments": .bool(argumentEncoding != .texts),
            "supports_preserve_reasoning": .bool(reasoningField != nil),
        ]
    }
}
