import MartletJSON

/// Reads how long a model may think. Names are llama-server's.
enum ReasoningBudgetFields {
    /// - Returns: `nil` where nothing is said, -1 for no limit.
    static func budget(_ fields: FieldReader) throws(APIError) -> Int? {
        let limits = -1...Int(Int32.max)
        if let value = try fields.integer("reasoning_budget_tokens", in: limits) { return value }
        return try fields.integer("thinking_budget_tokens", in: limits)
    }

    /// The same of the user's whole turn, which is ours alone.
    static func turnBudget(_ fields: FieldReader) throws(APIError) -> Int? {
        try fields.integer("reasoning_turn_budget_tokens", in: -1...Int(Int32.max))
    }

    /// What is said in the model's name before its thinking is cut off.
    static func message(_ fields: FieldReader) throws(APIError) -> String? {
        let name = "reasoning_budget_message"
        guard let text = try fields.string(name) else { return nil }
        guard text.utf8.count <= 4_096 else {
            throw .field(name, "At most 4096 bytes are allowed, but got \(text.utf8.count)")
        }
        return text
    }
}
