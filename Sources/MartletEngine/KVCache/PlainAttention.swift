import Llama
import MartletModels

/// Decides between the two methods of attention on a CPU.
///
/// Example: 20 new tokens behind 2,000 cached ones take 10 ms with flash attention and 3.4 ms with plain attention
/// (fledgling, one thread). ggml's flash attention computes fewer than 64 tokens row by row and cell by cell; plain
/// attention is a product of matrices. Plain attention computes unused cells too, so it is slower for short sequences,
/// and where sequences share cells. See decision 0169.
enum PlainAttention {
    /// The properties of a server before its context is made.
    struct Setting: Sendable, Equatable {
        /// The number of cells of one sequence.
        var sequenceLength: Int
        var headCount: Int
        /// Whether sequences share cells. Each token would be computed with the cells of all sequences.
        var isUnified: Bool
        /// Whether a GPU or another machine computes.
        var hasDevices: Bool
        var keyType: CacheType
        var valueType: CacheType
        /// Whether requests use drafts by default. The rows of a draft round differently from single tokens.
        var speculates: Bool
    }

    /// The number of tokens that are computed at once.
    static let microBatchSize = LoadRequest.plainStep
    /// The largest number of bytes of the products of queries and keys.
    static let byteLimit = 64 << 20
    /// Whether the rounding of ggml's kernels was measured on this processor (see `BatchShape`).
    static var isMeasured: Bool {
        #if arch(x86_64)
            true
        #else
            false
        #endif
    }

    /// Whether plain attention is the better default.
    static func isFaster(_ setting: Setting, isMeasured: Bool = isMeasured) -> Bool {
        let types: Set<CacheType> = [.f32, .f16]
        guard isMeasured, !setting.isUnified, !setting.hasDevices, !setting.speculates,
            types.contains(setting.keyType), types.contains(setting.valueType),
            setting.sequenceLength >= LoadRequest.plainLength
        else { return false }
        let (count, isTooLarge) = setting.sequenceLength.multipliedReportingOverflow(
            by: setting.headCount * microBatchSize * MemoryLayout<Float>.size)
        return !isTooLarge && count <= byteLimit
    }
}
