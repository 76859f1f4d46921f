import Llama
import MartletPlatform

/// How much memory a context needs, and how much there is.
package enum MemoryBudget {
    /// Bytes that one token takes in the attention memory of all layers: an upper estimate.
    ///
    /// Layers without attention or with a sliding window take less.
    static func bytesPerToken(of model: Model, keys: CacheType, values: CacheType) -> Int {
        let architecture = model.metadata("general.architecture") ?? ""
        let heads = max(1, model.keyValueHeadCount)
        let usual = model.embeddingLength / max(1, model.headCount)
        func length(_ key: String) -> Int {
            model.metadata("\(architecture).attention.\(key)").flatMap(Int.init) ?? usual
        }
        let perLayer =
            keys.byteCount(elementCount: heads * length("key_length"))
            + values.byteCount(elementCount: heads * length("value_length"))
        return perLayer * model.layerCount
    }

    struct Plan: Sendable, Equatable {
        /// Of one sequence.
        var contextLength: Int
        var usesUnifiedKV: Bool
    }

    /// Weights up to this size are read so fast that what a decode costs is attention and waiting; see design.md for
    /// what follows from it.
    static let smallByteCount: UInt64 = 64 << 20

    /// How long sequences may be, and whether they share memory.
    ///
    /// A length of 0 becomes the trained one, or fewer (in steps of 256, at least 2,048), so that the memory takes no
    /// more than a quarter of `available`. Memory is separate by default where the model is small and all sequences
    /// together fit that quarter.
    static func plan(
        _ configuration: EngineConfiguration, trained: Int, weights: UInt64, bytesPerToken: Int, available: Int?
    ) throws(LlamaError) -> Plan {
        // Beyond any real figure, so that products do not overflow.
        let available = min(available ?? .max, 1 << 50)
        let fitting = bytesPerToken > 0 ? available / 4 / bytesPerToken / 256 * 256 : .max
        let isDefault = configuration.contextLength == 0
        let shares = configuration.kvCacheLayout == .separate ? configuration.sequenceCount : 1
        let length =
            isDefault ? min(max(256, trained), max(2048, fitting / shares)) : configuration.contextLength
        let usesUnifiedKV =
            switch configuration.kvCacheLayout {
            case .unified: true
            case .separate: false
            case .automatic: weights > smallByteCount || length > fitting / configuration.sequenceCount
            }
        let needed = length * bytesPerToken * (usesUnifiedKV ? 1 : configuration.sequenceCount)
        guard isDefault || needed <= available else {
            throw LlamaError(
                .outOfMemory,
                "A context of \(length) tokens\(usesUnifiedKV ? "" : " for each of \(configuration.sequenceCount) sequences")"
                    + " needs \(needed >> 20) MiB, but only \(available >> 20) MiB are free: choose a smaller context.")
        }
        return Plan(contextLength: length, usesUnifiedKV: usesUnifiedKV)
    }

    /// Memory that can be had without swapping, in bytes; `nil` where the system does not say.
    package static var available: Int? {
        #if os(Linux)
            let free = firstNumber(in: "/proc/meminfo", after: "MemAvailable:").map { $0 * 1024 }
            // A container may have less than the machine.
            guard let limit = firstNumber(in: "/sys/fs/cgroup/memory.max", after: ""),
                let used = firstNumber(in: "/sys/fs/cgroup/memory.current", after: "")
            else { return free }
            return min(free ?? .max, max(0, limit - used))
        #else
            var bytes: UInt64 = 0
            var size = MemoryLayout<UInt64>.size
            return sysctlbyname("hw.memsize", &bytes, &size, nil, 0) == 0 ? Int(clamping: bytes) : nil
        #endif
    }

    #if os(Linux)
        /// The number that follows `key` at the beginning of a line of a small file.
        private static func firstNumber(in path: String, after key: String) -> Int? {
            guard let text = readSmallFile(path) else { return nil }
            for line in text.split(separator: "\n") where line.hasPrefix(key) {
                return Int(line.dropFirst(key.count).drop { $0 == " " }.prefix { $0.isNumber })
            }
            return nil
        }
    #endif
}
