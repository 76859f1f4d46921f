import CLlama

/// A value that replaces one of the model file's metadata (`--override-kv`).
package struct MetadataOverride: Sendable, Equatable {
    /// A value with its type in the file.
    package enum Value: Sendable, Equatable {
        case integer(Int64)
        case number(Double)
        case bool(Bool)
        /// At most 127 bytes.
        case text(String)
    }

    /// At most 127 bytes.
    package var key: String
    package var value: Value

    /// Parses `KEY=TYPE:VALUE` with the types `int`, `float`, `bool` and `str`.
    ///
    /// - Returns: `nil` for another form, a value that is not of its type, or a text that is too long.
    package init?(_ text: String) {
        guard let mark = text.firstIndex(of: "="), mark > text.startIndex else { return nil }
        let typed = text[text.index(after: mark)...]
        guard let colon = typed.firstIndex(of: ":") else { return nil }
        let content = String(typed[typed.index(after: colon)...])
        key = String(text[..<mark])
        guard key.utf8.count <= Self.maximumByteCount, !key.utf8.contains(0) else { return nil }
        switch typed[..<colon] {
        case "int":
            guard let number = Int64(content) else { return nil }
            value = .integer(number)
        case "float":
            guard let number = Double(content), number.isFinite else { return nil }
            value = .number(number)
        case "bool":
            guard content == "true" || content == "false" else { return nil }
            value = .bool(content == "true")
        case "str":
            guard content.utf8.count <= Self.maximumByteCount, !content.utf8.contains(0) else { return nil }
            value = .text(content)
        default: return nil
        }
    }

    /// libllama's fields have 128 bytes with the terminating zero.
    private static let maximumByteCount = 127

    /// libllama's form.
    var raw: llama_model_kv_override {
        var result = llama_model_kv_override()
        Self.copy(key, to: &result.key)
        switch value {
        case .integer(let number):
            result.tag = LLAMA_KV_OVERRIDE_TYPE_INT
            result.val_i64 = number
        case .number(let number):
            result.tag = LLAMA_KV_OVERRIDE_TYPE_FLOAT
            result.val_f64 = number
        case .bool(let isTrue):
            result.tag = LLAMA_KV_OVERRIDE_TYPE_BOOL
            result.val_bool = isTrue
        case .text(let text):
            result.tag = LLAMA_KV_OVERRIDE_TYPE_STR
            Self.copy(text, to: &result.val_str)
        }
        return result
    }

    /// Copies a text with its zero into a field of fixed size, which is zero before.
    private static func copy<Field>(_ text: String, to field: inout Field) {
        withUnsafeMutableBytes(of: &field) { bytes in
            bytes.copyBytes(from: text.utf8.prefix(min(maximumByteCount, bytes.count - 1)))
        }
    }
}
