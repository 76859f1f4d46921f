/// A tiny reranking model for tests: the demo model with a classifier of two outputs, "yes" and "no".
///
/// The classifier's weights are a function of a seed, so scores are meaningless but always the same, and they differ
/// from document to document.
package enum RankModel {
    /// The template of the inputs. Scores depend on both texts.
    package static let template = "<|im_start|>query\n{query}<|im_end|>\n<|im_start|>document\n{document}<|im_end|>\n"

    /// The bytes of the model's file.
    ///
    /// - Parameters:
    ///   - base: the demo model's file, of the architecture `qwen3`.
    ///   - length: the number of elements of its embeddings.
    ///   - hasTemplate: whether the file has a template for inputs; otherwise special tokens surround the texts.
    package static func file(from base: [UInt8], length: Int = 192, hasTemplate: Bool = true) -> [UInt8] {
        var cursor = Cursor(bytes: base, offset: 8)
        let tensorCount = cursor.number(8)
        let pairCount = cursor.number(8)
        let pairs = cursor.offset
        for _ in 0..<pairCount { cursor.skipPair() }
        let infos = cursor.offset
        for _ in 0..<tensorCount { cursor.skipTensor() }
        let data = aligned(cursor.offset)
        let tensorOffset = aligned(base.count - data)

        var file = Array(base[..<8])
        append(UInt64(tensorCount + 1), to: &file)
        append(UInt64(pairCount + (hasTemplate ? 3 : 2)), to: &file)
        file += base[pairs..<infos]
        append("qwen3.pooling_type", to: &file)
        // A `UInt32`; 4 = rank.
        append(UInt32(4), to: &file)
        append(UInt32(4), to: &file)
        append("qwen3.classifier.output_labels", to: &file)
        // An array (9) of texts (8).
        append(UInt32(9), to: &file)
        append(UInt32(8), to: &file)
        append(UInt64(2), to: &file)
        append("yes", to: &file)
        append("no", to: &file)
        if hasTemplate {
            append("tokenizer.chat_template.rerank", to: &file)
            append(UInt32(8), to: &file)
            append(template, to: &file)
        }
        file += base[infos..<cursor.offset]
        append("cls.output.weight", to: &file)
        append(UInt32(2), to: &file)
        append(UInt64(length), to: &file)
        append(UInt64(2), to: &file)
        // The type of 32-bit floats.
        append(UInt32(0), to: &file)
        append(UInt64(tensorOffset), to: &file)
        file += Array(repeating: 0, count: aligned(file.count) - file.count)
        file += base[data...]
        file += Array(repeating: 0, count: tensorOffset - (base.count - data))
        var state: UInt32 = 7
        for _ in 0..<length * 2 {
            state = state &* 1_664_525 &+ 1_013_904_223
            append((Float(state >> 16) / 65_536 - 0.5).bitPattern, to: &file)
        }
        return file
    }

    /// The next multiple of the format's alignment.
    private static func aligned(_ offset: Int) -> Int { (offset + 31) / 32 * 32 }

    /// Appends a number in little-endian order.
    private static func append<Value: FixedWidthInteger>(_ value: Value, to bytes: inout [UInt8]) {
        for shift in stride(from: 0, to: Value.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    /// Appends a text behind its length in bytes.
    private static func append(_ text: String, to bytes: inout [UInt8]) {
        append(UInt64(text.utf8.count), to: &bytes)
        bytes += Array(text.utf8)
    }

    /// Walks over the head of a GGUF file.
    private struct Cursor {
        let bytes: [UInt8]
        var offset: Int

        mutating func number(_ size: Int) -> Int {
            defer { offset += size }
            return (0..<size).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
        }

        mutating func skipText() { offset += number(8) }

        mutating func skipPair() {
            skipText()
            skipValue(number(4))
        }

        mutating func skipTensor() {
            skipText()
            offset += 8 * number(4) + 4 + 8
        }

        /// - Parameter type: the number of the value's type in the format.
        private mutating func skipValue(_ type: Int) {
            switch type {
            case 8: skipText()
            case 9:
                let element = number(4)
                for _ in 0..<number(8) { skipValue(element) }
            default: offset += [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8][type]
            }
        }
    }
}
