import MartletText

extension GGUFHeader {
    /// The range of a hyperparameter. For some values outside of it libllama ends the process, for others it
    /// computes NaN.
    private enum Rule {
        case whole(ClosedRange<Int64>)
        case number(ClosedRange<Double>)
    }

    /// The rules by the key without the architecture's prefix. Real models stay far within them.
    private static let rules: [(key: String, rule: Rule)] = [
        ("block_count", .whole(1...1_024)),
        ("context_length", .whole(1...Int64(Int32.max))),
        ("vocab_size", .whole(1...Int64(Int32.max))),
        ("embedding_length", .whole(1...1 << 24)),
        ("feed_forward_length", .whole(0...Int64(Int32.max))),
        ("attention.head_count", .whole(0...65_536)),
        ("attention.head_count_kv", .whole(0...65_536)),
        ("attention.key_length", .whole(0...1 << 20)),
        ("attention.value_length", .whole(0...1 << 20)),
        ("attention.layer_norm_epsilon", .number(0...1)),
        ("attention.layer_norm_rms_epsilon", .number(0...1)),
        ("attention.group_norm_epsilon", .number(0...1)),
        ("rope.dimension_count", .whole(0...1 << 20)),
        ("rope.freq_base", .number(0...Double(Float.greatestFiniteMagnitude))),
        ("rope.scaling.factor", .number(0...Double(Float.greatestFiniteMagnitude))),
        ("expert_count", .whole(0...65_536)),
        ("expert_used_count", .whole(0...65_536)),
        ("ssm.conv_kernel", .whole(0...65_536)),
        ("ssm.inner_size", .whole(0...1 << 24)),
        ("ssm.state_size", .whole(0...1 << 24)),
        ("ssm.time_step_rank", .whole(0...1 << 24)),
        ("ssm.group_count", .whole(0...65_536)),
    ]

    /// Checks the sizes and factors of the model.
    ///
    /// - Throws: an error that names the key, its range and the value.
    func checkHyperparameters() throws(GGUFError) {
        guard let architecture = metadata["general.architecture"]?.text else { return }
        for (name, rule) in Self.rules {
            let key = "\(architecture).\(name)"
            guard let value = metadata[key] else { continue }
            try Self.check(value, of: key, rule)
        }
        let used = metadata["\(architecture).expert_used_count"]?.integer ?? 0
        let all = metadata["\(architecture).expert_count"]?.integer ?? 0
        guard used <= all else {
            throw .broken("'\(architecture).expert_used_count' is \(used), more than the \(all) experts that it has")
        }
    }

    /// Checks one value.
    private static func check(_ value: GGUFValue, of key: String, _ rule: Rule) throws(GGUFError) {
        switch (rule, value) {
        // An array has a value for each layer; libllama checks those.
        case (_, .array): return
        case (.whole(let range), .integer(let number)) where range.contains(number): return
        case (.number(let range), .number(let number)) where range.contains(number): return
        case (.whole(let range), _):
            throw .broken(
                "'\(key)' must be a whole number from \(range.lowerBound) to \(range.upperBound), but is \(value)")
        case (.number(let range), _):
            throw .broken("'\(key)' must be a number from \(range.lowerBound) to \(range.upperBound), but is \(value)")
        }
    }
}

extension GGUFValue: CustomStringConvertible {
    package var description: String {
        switch self {
        case .integer(let value): "\(value)"
        case .large(let value): "\(value)"
        case .number(let value): "\(value)"
        case .bool(let value): "\(value)"
        case .text(let value): "the text '\(value.excerpt(bytes: 64))'"
        case .array(let count): "a list of \(count)"
        case .longText: "a long text"
        }
    }
}
