internal import MartletChat
internal import MartletJSON

extension TemplateCapabilities {
    /// What `/props` shows, under llama-server's names.
    var json: JSONValue {
        [
            "supports_string_content": .bool(!textRoles.isEmpty),
            "supports_typed_content": .bool(!partsRoles.isEmpty),
            "supports_system_role": .bool(takesSystemRole),
            "supports_tools": .bool(takesTools),
            "supports_tool_calls": .bool(takesToolCalls),
            "supports_parallel_tool_calls": .bool(takesParallelToolCalls),
            "supports_object_arguments": .bool(argumentForm != .texts),
            "supports_preserve_reasoning": .bool(reasoningField != nil),
        ]
    }
}
