import Llama
import Testing

@testable import MartletEngine
@testable import MartletGGUF

/// Which weights limit the rows of a decode.
@Suite struct RowLimitTests {
    private func tensor(_ name: String, type: UInt32, _ dimensions: [UInt64] = [256, 512]) -> GGUFTensor {
        GGUFTensor(name: name, dimensions: dimensions, typeNumber: type, offset: 0, byteCount: 0)
    }

    @Test func everyTypeHasTheMeasuredLimit() {
        let limits = Dictionary(uniqueKeysWithValues: GGUFTensorType.numbers.map { ($0, RowLimit.limit(ofType: $0)) })
        #expect(Set(limits.filter { $0.value == nil }.keys) == [2, 3, 6, 7, 8, 39])
        #expect(Set(limits.filter { $0.value == 3 }.keys) == [10, 11, 12, 13, 14, 23])
        #expect(limits.values.allSatisfy { $0 == nil || $0 == 3 || $0 == 1 })
        #expect(RowLimit.limit(ofType: 9_999) == 1)
    }

    @Test func matricesDecideAndTablesDoNot() {
        let plain = RowLimit.Setting()
        var tensors = [
            tensor("token_embd.weight", type: 0), tensor("output.weight", type: 8),
            tensor("blk.0.attn_q.weight", type: 8),
            tensor("blk.0.attn_norm.weight", type: 0, [256]), tensor("blk.0.ssm_conv1d.weight", type: 0, [4, 256]),
            tensor("blk.0.ssm_a", type: 0, [16, 256]), tensor("position_embd.weight", type: 0),
            tensor("blk.0.attn_v.bias", type: 0, [256, 1]),
        ]
        #expect(RowLimit.of(tensors, plain) == nil)
        tensors.append(tensor("blk.0.ffn_down.weight", type: 14))
        #expect(RowLimit.of(tensors, plain) == 3)
        tensors.append(tensor("blk.0.ffn_gate_inp.weight", type: 0, [256, 8]))
        #expect(RowLimit.of(tensors, plain) == 1)
        // Without a matrix of its own the output is computed with the embeddings.
        #expect(RowLimit.of([tensor("token_embd.weight", type: 1)], plain) == 1)
    }

    /// The condition of `use_split_kv_path`, and adapters.
    @Test func threadsAndAdaptersLimitEveryModel() {
        let tensors = [tensor("output.weight", type: 8)]
        func limit(_ change: (inout RowLimit.Setting) -> Void) -> Int? {
            var setting = RowLimit.Setting()
            change(&setting)
            return RowLimit.of(tensors, setting)
        }
        #expect(limit { $0.threads = 2 } == 1)
        #expect(limit { ($0.threads, $0.keyType, $0.valueType) = (2, .f32, .f32) } == 1)
        #expect(limit { ($0.threads, $0.valueType) = (2, .f32) } == nil)
        #expect(limit { ($0.threads, $0.keyType, $0.valueType) = (2, .q8_0, .q8_0) } == nil)
        #expect(limit { ($0.threads, $0.usesFlashAttention) = (2, false) } == nil)
        #expect(limit { $0.hasAdapters = true } == 1)
    }

    @Test func modelsOfTheTestsHaveTheirLimits() throws {
        func limit(_ path: String) throws -> Int? {
            try RowLimit.of(GGUFFile.headers(path).first.tensors, RowLimit.Setting())
        }
        #expect(try limit(TestModels.fledgling) == nil)
        let micro = TestModels.random("micro")
        if TestModels.exists(micro) { #expect(try limit(micro) == 1) }
    }
}
