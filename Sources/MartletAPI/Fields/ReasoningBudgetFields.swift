import MartletJSON

/// Reads the limits of reasoning tokens. Two of the names are llama-server's.
enum ReasoningBudgetFields {
    /// The limit of one output.
    /// - Returns: nil if the request has no such field; -1 for no limit.
    static func budget(_ fields: FieldReader) throws(APIError) -> Int? {
        let limits = -1...Int(Int32.max)
        fields.know(["thinking_budget_tokens"])
        if let value = try fields.integer("reasoning_budget_tokens", in: limits) { return value }
        return try fields.integer("thinking_budget_tokens", in: limits)
    }

    /// The limit of the user's whole turn, over several requests. Only Martlet has this field.
    static func turnBudget(_ fields: FieldReader) throws(APIError) -> Int? {
        try fields.integer("reasoning_turn_budget_tokens", in: -1...Int(Int32.max))
    }

    /// The text that the engine inserts before it ends reasoning at the budget; at most 4,096 bytes.
    static func message(_ fields: FieldReader) throws(APIError) -> String? {
        let name = "reasoning_budget_message"
        guard let text = try fields.string(name) else { return nil }
        guard text.utf8.count <= 4_096 else {
            throw .field(name, "At most 4096 bytes are allowed, but got \(text.utf8.count)")
        }
        return text
    }
}
