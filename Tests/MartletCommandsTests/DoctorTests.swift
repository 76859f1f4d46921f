import Llama
import Testing

@testable import MartletCommands

@Suite struct DoctorTests {
    private static let fledgling =
        #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } + "/Models/fledgling.Q8_0.gguf"

    private static let healthy = DoctorFacts(
        version: "1", system: "Linux", processorFlags: ["avx2", "fma"], libraryFeatures: ["AVX2", "FMA"], cores: 8,
        totalMemory: 32 << 30, availableMemory: 16 << 30, devices: [],
        embeddedModel: DoctorFacts.Model(path: "fledgling.gguf", byteCount: 2 << 20), models: [],
        descriptorLimit: 1 << 20, isSandboxed: true, port: 8080, portState: .free)

    private func findings(_ change: (inout DoctorFacts) -> Void = { _ in }) -> [DoctorFinding] {
        var facts = Self.healthy
        change(&facts)
        return DoctorFinding.all(facts)
    }

    private func finding(_ subject: String, _ change: (inout DoctorFacts) -> Void) throws -> DoctorFinding {
        try #require(findings(change).last { $0.subject == subject })
    }

    @Test func aHealthyMachineNeedsNothing() {
        #expect(findings().allSatisfy { $0.severity == .good && $0.remedy == nil })
    }

    @Test func everythingThatIsWrongHasARemedy() throws {
        let broken: [(String, DoctorFinding.Severity, (inout DoctorFacts) -> Void)] = [
            ("processor", .problem, { $0.libraryFeatures = ["AVX512"] }),
            ("processor", .warning, { $0.libraryFeatures = [] }),
            ("memory", .warning, { $0.availableMemory = 100 << 20 }),
            ("model", .warning, { $0.embeddedModel = nil }),
            ("model", .problem, { $0.models = [DoctorFacts.Model(path: "x", problem: "is cut off")] }),
            ("model", .problem, { $0.models = [DoctorFacts.Model(path: "x", byteCount: 40 << 30)] }),
            ("port", .warning, { $0.portState = .inUse }),
            ("connections", .warning, { $0.descriptorLimit = 1_024 }),
            ("worker", .warning, { $0.isSandboxed = false }),
        ]
        for (subject, severity, change) in broken {
            let finding = try finding(subject, change)
            #expect(finding.severity == severity, "\(finding)")
            #expect(finding.remedy?.isEmpty == false, "\(finding)")
        }
    }

    @Test func contextCountsForWhatFits() throws {
        var model = DoctorFacts.Model(path: "x", byteCount: 12 << 30)
        model.bytesPerToken = 128 << 10
        model.trainedContextLength = 131_072
        #expect(try finding("model") { $0.models = [model] }.severity == .good)
        model.bytesPerToken = 1 << 20
        #expect(try finding("model") { $0.models = [model] }.severity == .problem)
        #expect(
            try finding("model") {
                $0.models = [model]
                $0.devices = [
                    LlamaSystem.Device(
                        name: "GPU0", description: "a GPU", isGPU: true, freeByteCount: 80 << 30,
                        totalByteCount: 80 << 30)
                ]
            }.severity == .good)
    }

    @Test func theSizesThatFitGrowWithMemory() throws {
        #expect(
            try finding("what would fit") { $0.availableMemory = 1 << 30 }.text.contains(
                "0.6 billion parameters as Q4_K_M"))
        #expect(
            try finding("what would fit") { $0.availableMemory = 64 << 30 }.text.contains(
                "70.0 billion parameters as Q4_K_M"))
        #expect(try finding("what would fit") { $0.availableMemory = 1 << 20 }.text == "none as Q4_K_M, none as Q8_0")
    }

    @Test func memoryNeedIsReadFromTheModelsHeader() throws {
        let model = DoctorFacts.Model(path: Self.fledgling)
        #expect(model.problem == nil)
        #expect((2 << 20...3 << 20).contains(model.byteCount))
        #expect(try #require(model.bytesPerToken) > 0)
        #expect(DoctorFacts.Model(path: #filePath).problem == "is not a GGUF file")
    }

    @Test func thisMachineIsInspected() async {
        let facts = await DoctorFacts.collect(models: [Self.fledgling], port: 1)
        #expect(facts.cores > 0)
        #expect(!facts.devices.isEmpty)
        #expect(facts.models.first?.problem == nil)
        #expect(facts.portState == .free)
        #expect(!LlamaSystem.features.contains { $0.contains(" ") })
    }
}
