import CLlama

/// The element type of the keys or values in the KV cache.
package enum CacheType: String, Sendable, CaseIterable {
    case f32
    case f16
    case bf16
    case q8_0
    case q5_1
    case q5_0
    case q4_1
    case q4_0
    case iq4_nl

    /// The size of a row of `elementCount` elements, in bytes.
    package func byteCount(elementCount: Int) -> Int {
        ggml_row_size(ggmlType, Int64(elementCount))
    }

    var ggmlType: ggml_type {
        switch self {
        case .f32: GGML_TYPE_F32
        case .f16: GGML_TYPE_F16
        case .bf16: GGML_TYPE_BF16
        case .q8_0: GGML_TYPE_Q8_0
        case .q5_1: GGML_TYPE_Q5_1
        case .q5_0: GGML_TYPE_Q5_0
        case .q4_1: GGML_TYPE_Q4_1
        case .q4_0: GGML_TYPE_Q4_0
        case .iq4_nl: GGML_TYPE_IQ4_NL
        }
    }
}
