import Llama
import MartletTestSupport
import Testing

@testable import MartletCommands

/// Laws of the findings about a machine.
@Suite struct DoctorPropertyTests {
    private static func facts(_ random: inout SeededGenerator) -> DoctorFacts {
        let features = ["AVX", "AVX2", "FMA", "AVX512", "BMI2", "UNKNOWN"]
        let flags = ["avx", "avx2", "fma", "avx512f", "bmi2", "pni"]
        func some<Element>(_ elements: [Element]) -> [Element] {
            elements.filter { _ in Bool.random(using: &random) }
        }
        func bytes() -> UInt64 { random.element(of: [0, 1 << 20, 600 << 20, 3 << 30, 90 << 30, .max]) }
        func model() -> DoctorFacts.Model {
            DoctorFacts.Model(
                path: "m.gguf", problem: Int.random(in: 0..<5, using: &random) == 0 ? "is cut off" : nil,
                refusal: Int.random(in: 0..<5, using: &random) == 0 ? "unknown architecture" : nil, title: "llama",
                load: Bool.random(using: &random)
                    ? nil
                    : DoctorFacts.Load(
                        neededByteCount: bytes(), freeByteCount: bytes(), contextLength: 512, sequenceCount: 4,
                        largestContextLength: random.element(of: [nil, 256, 131_072]),
                        fits: Bool.random(using: &random)))
        }
        return DoctorFacts(
            version: "1", system: "Linux", processorFlags: Bool.random(using: &random) ? Set<String>(some(flags)) : nil,
            libraryFeatures: some(features), cores: 4, totalMemory: Bool.random(using: &random) ? bytes() : nil,
            availableMemory: Int.random(in: 0..<5, using: &random) == 0 ? nil : bytes(),
            devices: Bool.random(using: &random)
                ? []
                : [.init(name: "G", description: "a GPU", isGPU: true, freeByteCount: bytes(), totalByteCount: .max)],
            embeddedModel: Bool.random(using: &random) ? model() : nil, models: [model(), model()],
            descriptorLimit: random.element(of: [0, 64, 1_024, 1 << 20]),
            isSandboxed: Bool.random(using: &random), port: 8080,
            portState: Bool.random(using: &random) ? .free : .inUse)
    }

    private static func rank(_ severity: DoctorFinding.Severity) -> Int {
        switch severity {
        case .good: 0
        case .warning: 1
        case .problem: 2
        }
    }

    @Test(arguments: 0..<300) func findingsAreClausesInOneOrderAndGoodOnesNeedNothing(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let facts = Self.facts(&random)
        let findings = DoctorFinding.all(facts)
        #expect(
            findings.map(\.subject) == [
                "program", "processor", "memory", "GPU", "model", "model", "model", "what would fit", "port",
                "connections", "worker",
            ])
        for finding in findings {
            #expect(!finding.text.isEmpty && !finding.text.hasSuffix(".") && !finding.text.contains("\n"), "\(finding)")
            #expect(finding.severity != .good || finding.remedy == nil, "\(finding)")
            #expect(finding.severity != .problem || finding.remedy != nil, "\(finding)")
        }
    }

    /// More of a resource never makes a finding worse.
    @Test(arguments: 0..<300) func moreIsNeverWorse(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed) + 1_000)
        let facts = Self.facts(&random)
        var better = facts
        better.availableMemory = facts.availableMemory.map { $0.addingReportingOverflow(8 << 30).partialValue }
        if (better.availableMemory ?? 0) < (facts.availableMemory ?? 0) { better.availableMemory = .max }
        better.descriptorLimit = max(facts.descriptorLimit, 1 << 20)
        better.portState = .free
        better.isSandboxed = true
        for (one, other) in zip(DoctorFinding.all(facts), DoctorFinding.all(better)) {
            #expect(Self.rank(other.severity) <= Self.rank(one.severity), "\(one) became \(other)")
        }
    }

    @Test func sizesHaveTheirUnit() {
        for (bytes, text) in [
            (UInt64(0), "0.0 MiB"), (1 << 20, "1.0 MiB"), (610 << 20, "610 MiB"), (1 << 30, "1.0 GiB"),
            (1_536 << 20, "1.5 GiB"), (.max, "17179869184 GiB"),
        ] {
            #expect(DoctorFinding.size(bytes) == text)
        }
    }
}
