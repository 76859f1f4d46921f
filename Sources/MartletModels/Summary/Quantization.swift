package import MartletGGUF

/// Names of quantizations, in metadata and in file names.
package enum Quantization {
    /// The names of `general.file_type`; from `llama_ftype` of libllama.
    private static let fileTypes: [Int64: String] = [
        0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S",
        12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS",
        20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M",
        28: "IQ2_S", 29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4_MOE",
        39: "NVFP4",
    ]
    /// The names of tensor types; from `ggml_type` of libggml.
    private static let tensorTypes: [UInt32: String] = [
        0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 10: "Q2_K", 11: "Q3_K", 12: "Q4_K",
        13: "Q5_K", 14: "Q6_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S",
        22: "IQ2_S", 23: "IQ4_XS", 29: "IQ1_M", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4", 40: "NVFP4",
    ]

    /// The name by `general.file_type`, else by the tensor type with the most bytes.
    package static func name(_ header: GGUFHeader, _ tensors: [GGUFTensor]) -> String {
        if let number = header.metadata["general.file_type"]?.integer, let name = fileTypes[number] { return name }
        var bytes: [UInt32: UInt64] = [:]
        for tensor in tensors { bytes[tensor.typeNumber, default: 0] &+= tensor.byteCount }
        let largest = bytes.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
        return largest.flatMap { tensorTypes[$0] } ?? "unknown"
    }

    /// The quantization at the end of a file's name, in upper case: `Q4_K_M` for `model-Q4_K_M-00001-of-00002.gguf`;
    /// `nil` if the name ends otherwise.
    package static func tag(ofFile name: String) -> String? {
        var stem = name.lowercased().hasSuffix(".gguf") ? name.dropLast(5) : name[...]
        if let part = SplitName(name) { stem = part.prefix[...] }
        guard let mark = stem.lastIndex(where: { $0 == "-" || $0 == "." }) else { return nil }
        let tag = stem[stem.index(after: mark)...].uppercased()
        let isTag = tag.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        return isTag && tag.contains(where: \.isNumber) ? tag : nil
    }

    /// The first number in a tag, which is about the number of bits: 4 for `Q4_K_M`, 16 for `BF16`; 0 without a number.
    package static func bits(ofTag tag: String) -> Int {
        Int(tag.drop { !$0.isNumber }.prefix { $0.isNumber }.prefix(4)) ?? 0
    }
}

/// The name of a file of a split model: `prefix-00001-of-00003.gguf`.
package struct SplitName: Sendable, Equatable {
    /// The name before the numbers.
    package var prefix: String
    /// From 1 on.
    package var number: Int
    package var count: Int

    /// Parses a name; `nil` if it has another form.
    package init?(_ name: String) {
        guard name.hasSuffix(".gguf") else { return nil }
        let parts = name.dropLast(5).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 4, parts[parts.count - 2] == "of", parts[parts.count - 1].count == 5,
            parts[parts.count - 3].count == 5, let count = Int(parts[parts.count - 1]),
            let number = Int(parts[parts.count - 3]), (1...max(1, count)).contains(number), count >= 1
        else { return nil }
        prefix = parts.dropLast(3).joined(separator: "-")
        self.number = number
        self.count = count
    }
}
