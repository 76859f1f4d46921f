import Llama
import Testing

@testable import MartletEngine

@Suite struct MemoryBudgetTests {
    func plan(
        context: Int = 0, sequences: Int = 4, sharing: KVCacheLayout = .automatic, weights: UInt64 = 1 << 30,
        available: Int? = 16 << 30
    ) throws -> MemoryBudget.Plan {
        var configuration = EngineConfiguration(modelPath: "")
        configuration.contextLength = context
        configuration.sequenceCount = sequences
        configuration.kvCacheLayout = sharing
        return try MemoryBudget.plan(
            configuration, trained: 40_960, weights: weights, bytesPerToken: 112 << 10, available: available)
    }

    @Test func contextHasTheTrainedLengthIfItFits() throws {
        #expect(try plan(available: 64 << 30) == .init(contextLength: 40_960, usesUnifiedKV: true))
        #expect(try plan(available: nil) == .init(contextLength: 40_960, usesUnifiedKV: true))
    }

    @Test func lengthIsCutToAQuarterOfMemoryInWholeSteps() throws {
        let length = try plan(available: 8 << 30).contextLength
        #expect(length % 256 == 0)
        #expect(length * (112 << 10) <= 2 << 30)
        #expect((length + 256) * (112 << 10) > 2 << 30)
        #expect(try plan(available: 1 << 20).contextLength == 4096)
    }

    /// `--fit off` takes the trained length, and then refuses what does not fit; `--fit-ctx` is the least length of `--fit`.
    @Test func fittingCanBeOffAndHasALeastLength() throws {
        var configuration = EngineConfiguration(modelPath: "")
        func length(_ available: Int) throws -> Int {
            try MemoryBudget.plan(
                configuration, trained: 40_960, weights: 1 << 30, bytesPerToken: 112 << 10, available: available
            ).contextLength
        }
        configuration.fit.minimumContextLength = 8_192
        #expect(try length(1 << 20) == 8_192)
        configuration.fit.isOn = false
        #expect(try length(8 << 30) == 40_960)
        #expect(throws: LlamaError.self) { try length(1 << 30) }
    }

    /// Each device keeps its margin free; a single number is that of all devices.
    @Test func layersOnDevicesLeaveTheMarginFree() {
        var fit = MemoryFitting()
        #expect(fit.room([4 << 30, 1 << 20]) == [3 << 30, 0])
        fit.deviceMargins = [1, 2]
        #expect(fit.room([10, 10, 10]) == [9, 8, 10])
    }

    @Test func memoryIsSeparateForSmallModelsThatFit() throws {
        #expect(try plan(context: 4096, weights: 1 << 20).usesUnifiedKV == false)
        #expect(try plan(context: 4096, weights: 1 << 20, available: 4 << 30).usesUnifiedKV)
        #expect(try plan(context: 4096, sharing: .unified, weights: 1 << 20).usesUnifiedKV)
        #expect(try plan(context: 4096, sharing: .separate).usesUnifiedKV == false)
    }

    @Test func lengthThatCannotFitIsRefused() {
        #expect(throws: LlamaError.self) { try plan(context: 1 << 20, available: 8 << 30) }
        #expect(throws: LlamaError.self) {
            try plan(context: 40_960, sequences: 4, sharing: .separate, available: 8 << 30)
        }
    }

    @Test func processorListsAreRead() {
        #expect(ThreadCount.cpus(in: "0-3,8\n".dropLast()) == [0, 1, 2, 3, 8])
        #expect(ThreadCount.cpus(in: "5") == [5])
        #expect(ThreadCount.cpus(in: "x,3-1") == [])
        #expect(ThreadCount.physicalCores >= 1)
    }
}
