import CLlama
import MartletGGUF
import Testing

@Suite struct TensorTypeTests {
    /// Our table of sizes equals libllama's.
    @Test func everyTensorTypeHasTheSizeInLibllama() throws {
        for number in GGUFTensorType.numbers {
            let type = try #require(GGUFTensorType(number: number))
            let theirs = ggml_type(rawValue: number)
            #expect(ggml_blck_size(theirs) == Int64(type.blockLength), "\(number)")
            #expect(ggml_type_size(theirs) == Int(type.blockByteCount), "\(number)")
        }
        let known = Set(GGUFTensorType.numbers).union(GGUFTensorType.removed)
        #expect(Set(0..<GGML_TYPE_COUNT.rawValue).isSubset(of: known))
    }
}
