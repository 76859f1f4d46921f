import Llama
import MartletText

/// A finding about a machine, with a remedy if something can be improved. Pure: depends on ``DoctorFacts`` alone.
struct DoctorFinding: Sendable, Equatable {
    /// The raw value is part of the JSON output.
    enum Severity: String, Sendable {
        case good = "ok"
        /// A server works, but not as well as it could.
        case warning
        /// A server does not work. The command exits with 1.
        case problem
    }

    /// A noun, e.g. `memory`.
    var subject: String
    /// The mark in the output, and the exit code.
    var severity: Severity
    /// The finding as a clause without a full stop.
    var text: String
    /// An instruction; `nil` if there is nothing to do.
    var remedy: String?

    /// All findings in the order of the output: program, machine, models, serving.
    static func all(_ facts: DoctorFacts) -> [DoctorFinding] {
        [
            DoctorFinding(subject: "program", severity: .good, text: "martlet \(facts.version) on \(facts.system)"),
            processor(facts), memory(facts), devices(facts), embeddedModel(facts),
        ] + facts.models.map { model($0, facts) } + [
            sizes(facts), port(facts), descriptors(facts), sandbox(facts),
        ]
    }

    /// libllama's name of a processor feature, and Linux's name.
    private static let flags: KeyValuePairs = [
        "SSE3": "pni", "SSSE3": "ssse3", "AVX": "avx", "AVX2": "avx2", "AVX_VNNI": "avx_vnni", "F16C": "f16c",
        "FMA": "fma", "BMI2": "bmi2", "AVX512": "avx512f", "AVX512_VBMI": "avx512vbmi",
        "AVX512_VNNI": "avx512_vnni", "AVX512_BF16": "avx512_bf16", "AMX_INT8": "amx_int8",
    ]
    private static let rebuild =
        "set libllama up again for this processor: make distclean; make build"

    /// A feature in libllama that the processor lacks is a crash; a feature that libllama does not use is lost speed.
    private static func processor(_ facts: DoctorFacts) -> DoctorFinding {
        let features = facts.libraryFeatures.joined(separator: " ")
        let text = "\(facts.cores) cores; libllama uses \(features.isEmpty ? "no special instructions" : features)"
        guard let known = facts.processorFlags else {
            return DoctorFinding(subject: "processor", severity: .good, text: text)
        }
        let missing = flags.filter { facts.libraryFeatures.contains($0.key) && !known.contains($0.value) }.map(\.key)
        guard missing.isEmpty else {
            return DoctorFinding(
                subject: "processor", severity: .problem,
                text:
                    "libllama was compiled for a processor with \(missing.joined(separator: ", ")), which this one lacks",
                remedy: rebuild)
        }
        let unused = flags.filter { !facts.libraryFeatures.contains($0.key) && known.contains($0.value) }.map(\.key)
        guard unused.isEmpty else {
            return DoctorFinding(
                subject: "processor", severity: .warning,
                text: text + "; this processor also has \(unused.joined(separator: ", "))", remedy: rebuild)
        }
        return DoctorFinding(subject: "processor", severity: .good, text: text)
    }

    /// Less than 512 MiB of free memory is a warning.
    private static func memory(_ facts: DoctorFacts) -> DoctorFinding {
        guard let available = facts.availableMemory else {
            return DoctorFinding(
                subject: "memory", severity: .warning, text: "the system does not report free memory")
        }
        let total = facts.totalMemory.map { " of \(size($0))" } ?? ""
        let text = "\(size(available))\(total) free"
        return available < 512 << 20
            ? DoctorFinding(
                subject: "memory", severity: .warning, text: text, remedy: "end other programs, or choose a small model"
            )
            : DoctorFinding(subject: "memory", severity: .good, text: text)
    }

    /// The build of libllama for a kind of hardware, and the compiler that it needs.
    private static func unusedHardware(_ hardware: GPUHardware, _ facts: DoctorFacts) -> DoctorFinding {
        let built = facts.backends.joined(separator: ", ")
        let build =
            "set libllama up again: CMAKE_ARGS=-DGGML_\(hardware.backend == "ROCm" ? "HIP" : hardware.backend.uppercased())=ON"
            + " make distclean build"
        return DoctorFinding(
            subject: "GPU", severity: .warning,
            text: "\(hardware.name) is there, and libllama was built for \(built) only",
            remedy: hardware.hasCompiler
                ? build
                : "install the toolchain of \(hardware.backend) (\(hardware.compiler) is not in PATH), then \(build)")
    }

    /// A machine without a GPU is no problem: the processor computes. Hardware that libllama cannot use is a warning.
    private static func devices(_ facts: DoctorFacts) -> DoctorFinding {
        let gpus = facts.devices.filter(\.isGPU)
        guard gpus.isEmpty else {
            let names = gpus.map {
                "\($0.description) with \(size($0.freeByteCount)) of \(size($0.totalByteCount)) free"
            }
            return DoctorFinding(subject: "GPU", severity: .good, text: names.joined(separator: "; "))
        }
        if let hardware = facts.hardware.first(where: { !facts.backends.contains($0.backend) }) {
            return unusedHardware(hardware, facts)
        }
        return DoctorFinding(
            subject: "GPU", severity: .good,
            text:
                "none; the processor computes; libllama's backends: \(facts.backends.joined(separator: ", ")) (CMAKE_ARGS at "
                + "set-up adds others)")
    }

    /// A missing demo model is a warning, because `--model` selects another one.
    private static func embeddedModel(_ facts: DoctorFacts) -> DoctorFinding {
        guard let model = facts.embeddedModel else {
            return DoctorFinding(
                subject: "model", severity: .warning, text: "fledgling, which comes with martlet, is missing",
                remedy:
                    "put Models/fledgling.Q8_0.gguf beside the program, in ../share/martlet, or name a model with --model"
            )
        }
        return self.model(model, facts)
    }

    // MARK: Models

    /// Whether libllama accepts the file and the memory plan of its load fits.
    private static func model(_ model: DoctorFacts.Model, _ facts: DoctorFacts) -> DoctorFinding {
        if let problem = model.problem {
            return DoctorFinding(
                subject: "model", severity: .problem, text: "\(model.path) \(problem)",
                remedy: "get a complete GGUF file")
        }
        var text = "\(model.path): \(model.title)"
        if let refusal = model.refusal {
            return DoctorFinding(
                subject: "model", severity: .problem, text: "\(text); libllama refuses it: \(refusal)",
                remedy: "get a file whose architecture libllama knows, or build with a newer libllama")
        }
        guard let load = model.load else { return DoctorFinding(subject: "model", severity: .good, text: text) }
        text +=
            "; needs \(size(load.neededByteCount)) of \(size(load.freeByteCount)) free, for \(load.contextLength) tokens and "
            + "\(load.sequenceCount) sequences"
        if load.fits {
            let largest = load.largestContextLength.map { ", up to \($0) tokens of context" } ?? ""
            return DoctorFinding(subject: "model", severity: .good, text: "\(text): fits\(largest)")
        }
        let remedy =
            load.largestContextLength.map { "set --ctx-size to at most \($0), or choose a smaller model" }
            ?? "choose a smaller model, or one with fewer bits; no context of it fits"
        return DoctorFinding(subject: "model", severity: .problem, text: "\(text): does not fit", remedy: remedy)
    }

    /// Bytes that a process needs in addition to weights and context.
    private static let overhead: UInt64 = 256 << 20

    /// The larger of the machine's and a GPU's free memory; `nil` if the machine's is unknown.
    private static func availableBytes(_ facts: DoctorFacts) -> UInt64? {
        let gpu = facts.devices.filter(\.isGPU).map(\.freeByteCount).max() ?? 0
        guard let available = facts.availableMemory else { return nil }
        return max(available, gpu)
    }

    /// Common sizes of models in billions of parameters.
    private static let commonSizes = [0.6, 1.7, 4, 8, 14, 32, 70, 120]
    /// Bits of a parameter in common kinds of files.
    private static let kinds: KeyValuePairs = ["Q4_K_M": 4.9, "Q8_0": 8.5]

    /// The largest common model size that fits into free memory, per kind of file.
    private static func sizes(_ facts: DoctorFacts) -> DoctorFinding {
        guard let availableBytes = availableBytes(facts) else {
            return DoctorFinding(
                subject: "what would fit", severity: .warning, text: "unknown, because free memory is unknown")
        }
        let texts = kinds.map { name, bits in
            // A tenth more for the context.
            let fitting = commonSizes.last { Double(overhead) + $0 * 1e9 * bits / 8 * 1.1 <= Double(availableBytes) }
            return fitting.map { "up to about \(NumberFormat.short($0)) billion parameters as \(name)" }
                ?? "none as \(name)"
        }
        return DoctorFinding(subject: "what would fit", severity: .good, text: texts.joined(separator: ", "))
    }

    // MARK: Serving

    /// A port in use is a warning: the program there may be the server itself.
    private static func port(_ facts: DoctorFacts) -> DoctorFinding {
        guard facts.portState == .inUse else {
            return DoctorFinding(subject: "port", severity: .good, text: "\(facts.port) is free")
        }
        let process = facts.portHolder.map { " by process \($0.id): \($0.command.excerpt(bytes: 100))" } ?? ""
        guard let server = facts.portServer else {
            return DoctorFinding(
                subject: "port", severity: .warning, text: "\(facts.port) is in use\(process)",
                remedy: "stop the program that listens there, or choose another --port")
        }
        return DoctorFinding(
            subject: "port", severity: .warning,
            text:
                "\(facts.port) has a running server, \(server.excerpt(bytes: 100))\(process.isEmpty ? "" : "; in use\(process)")",
            remedy: "'martlet chat' and 'martlet ps' use that server; a second one needs another --port")
    }

    /// Connections that are enough for most servers.
    private static let connections = 4_096

    /// Fewer connections than most servers need are a warning.
    private static func descriptors(_ facts: DoctorFacts) -> DoctorFinding {
        let budget = DescriptorBudget(limit: facts.descriptorLimit)
        let text =
            "\(budget.limit) descriptors, enough for \(budget.connections) connections and \(budget.journals) open "
            + "journals; a resumable generation needs none"
        return budget.connections >= connections
            ? DoctorFinding(subject: "connections", severity: .good, text: text)
            : DoctorFinding(
                subject: "connections", severity: .warning, text: "\(text), fewer than \(connections)",
                remedy: "raise the hard limit (ulimit -Hn)")
    }

    /// A system without the sandbox is a warning. A model file can then reach the network if libllama has a fault.
    private static func sandbox(_ facts: DoctorFacts) -> DoctorFinding {
        facts.isSandboxed
            ? DoctorFinding(
                subject: "worker", severity: .good, text: "runs without network access and without further privileges")
            : DoctorFinding(
                subject: "worker", severity: .warning,
                text: "has network access, because this system offers no way to remove it",
                remedy: "serve models that you trust")
    }

    /// Bytes as MiB or GiB, e.g. `1.5 GiB`.
    static func size(_ bytes: UInt64) -> String {
        bytes >= 1 << 30
            ? NumberFormat.short(Double(bytes) / Double(1 << 30)) + " GiB"
            : NumberFormat.short(Double(bytes) / Double(1 << 20)) + " MiB"
    }
}
