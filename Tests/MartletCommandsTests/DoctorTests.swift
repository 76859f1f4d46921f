import ArgumentParser
import Llama
import MartletPlatform
import Testing

@testable import MartletCommands

@Suite struct DoctorTests {
    private static let fledgling =
        #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } + "/Models/fledgling.Q8_0.gguf"

    private static let healthy = DoctorFacts(
        version: "1", system: "Linux", processorFlags: ["avx2", "fma"], libraryFeatures: ["AVX2", "FMA"], cores: 8,
        totalMemory: 32 << 30, availableMemory: 16 << 30, devices: [],
        embeddedModel: DoctorFacts.Model(path: "fledgling.gguf", load: load()), models: [],
        descriptorLimit: 1 << 20, isSandboxed: true, port: 8080, portState: .free)

    /// A load of 40 GiB that fits into 64 GiB, with changes.
    private static func load(_ change: (inout DoctorFacts.Load) -> Void = { _ in }) -> DoctorFacts.Load {
        var load = DoctorFacts.Load(
            neededByteCount: 40 << 30, freeByteCount: 64 << 30, contextLength: 8_192, sequenceCount: 4,
            largestContextLength: 16_384, fits: true)
        change(&load)
        return load
    }

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
            ("model", .problem, { $0.models = [DoctorFacts.Model(path: "x", refusal: "unknown architecture")] }),
            ("model", .problem, { $0.models = [DoctorFacts.Model(path: "x", load: Self.load { $0.fits = false })] }),
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

    @Test func aModelIsDescribedWithItsLoad() throws {
        let model = DoctorFacts.Model(path: "x.gguf", title: "qwen3, 8B parameters as Q8_0", load: Self.load())
        #expect(
            try finding("model") { $0.models = [model] }.text
                == "x.gguf: qwen3, 8B parameters as Q8_0; needs 40.0 GiB of 64.0 GiB free, for 8192 tokens and 4 sequences: "
                + "fits, up to 16384 tokens of context")
        var large = model
        large.load?.fits = false
        #expect(
            try finding("model") { $0.models = [large] }.remedy?.hasPrefix("set --ctx-size to at most 16384") == true)
        large.load?.largestContextLength = nil
        #expect(try finding("model") { $0.models = [large] }.remedy?.hasSuffix("no context of it fits") == true)
        large.refusal = "unknown model architecture: 'foo'"
        #expect(
            try finding("model") { $0.models = [large] }.text.hasSuffix("refuses it: unknown model architecture: 'foo'")
        )
    }

    @Test func aPortInUseNamesItsProcessAndItsServer() throws {
        let holder = ListeningProcess(id: 42, command: "nginx -g daemon off;")
        let other = try finding("port") {
            $0.portState = .inUse
            $0.portHolder = holder
        }
        #expect(other.text == "8080 is in use by process 42: nginx -g daemon off;")
        let martlet = try finding("port") {
            $0.portState = .inUse
            $0.portServer = "martlet-1.0"
        }
        #expect(martlet.text == "8080 has a running server, martlet-1.0")
        #expect(martlet.remedy?.contains("martlet chat") == true)
    }

    @Test func listeningSocketsAreReadFromTheTable() {
        let table = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 7001 1 0 100 0
               1: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 7002 1 0 20 4
               2: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 7003 1
               3: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 7004 1 0 100 0
               4: 0100007F:1F90 00000000:0000 0A
            """
        #expect(ListeningProcess.inodes(listeningOn: 8080, in: table) == [7001, 7003])
        #expect(ListeningProcess.inodes(listeningOn: 8082, in: table).isEmpty)
    }

    #if os(Linux)
        @Test func theProcessThatListensIsFound() throws {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(descriptor) }
            // Without an address the system chooses a port.
            try #require(descriptor >= 0 && listen(descriptor, 1) == 0)
            var address = sockaddr_in()
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let result = withUnsafeMutableBytes(of: &address) { bytes in
                getsockname(descriptor, bytes.assumingMemoryBound(to: sockaddr.self).baseAddress!, &size)
            }
            try #require(result == 0)
            let holder = ListeningProcess.find(port: Int(UInt16(bigEndian: address.sin_port)))
            #expect(holder?.id == Int(getpid()) && holder?.command.isEmpty == false, "\(String(describing: holder))")
        }
    #endif

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
        let options = try LoadOptions.parse(["--ctx-size", "512"])
        let model = DoctorFacts.Model(path: Self.fledgling, load: options)
        #expect(model.problem == nil && model.title.hasPrefix("qwen3, 2.6"), "\(model)")
        let load = try #require(model.load)
        #expect(load.fits && load.contextLength == 512 && load.neededByteCount > 2 << 20, "\(load)")
        #expect(DoctorFacts.Model(path: #filePath, load: options).problem == "is not a GGUF file")
    }

    @Test func thisMachineIsInspected() async throws {
        let facts = await DoctorFacts.collect(models: [], load: try LoadOptions.parse([]), port: 1)
        #expect(facts.cores > 0)
        #expect(!facts.devices.isEmpty)
        #expect(facts.embeddedModel.map { $0.load != nil } ?? true)
        #expect(facts.portState == .free)
        #expect(!LlamaSystem.features.contains { $0.contains(" ") })
    }
}
