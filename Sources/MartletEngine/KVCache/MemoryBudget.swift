import Llama
import MartletPlatform

/// Estimates the memory of a context, and reads the available memory of the system.
package enum MemoryBudget {
    /// An upper estimate of the KV cache bytes per token, over all layers.
    ///
    /// Layers without attention or with a sliding window need less.
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
        /// The largest number of tokens of one sequence.
        var contextLength: Int
        var usesUnifiedKV: Bool
    }

    /// The size up to which a model counts as small, in bytes. Its weights are read so fast that attention and waiting
    /// dominate the cost of a decode (see design.md).
    static let smallByteCount: UInt64 = 64 << 20

    /// Plans the context length and the layout of the KV cache.
    ///
    /// A length of 0 becomes the trained length, or, unless `--fit` is off, less (a multiple of 256, at least
    /// `--fit-ctx`, 4,096 by default), so that the KV cache uses at most a quarter of `available`. The automatic layout is separate if the model is small and the KV caches of
    /// all slots fit into that quarter.
    static func plan(
        _ configuration: EngineConfiguration, trained: Int, weights: UInt64, bytesPerToken: Int, available: Int?
    ) throws(LlamaError) -> Plan {
        // A limit above every real value, so that products do not overflow.
        let available = min(available ?? .max, 1 << 50)
        let fitting = bytesPerToken > 0 ? available / 4 / bytesPerToken / 256 * 256 : .max
        let isDefault = configuration.contextLength == 0
        let isFitted = configuration.fit.isOn
        let shares = configuration.kvCacheLayout == .separate ? configuration.sequenceCount : 1
        let length =
            !isDefault
            ? configuration.contextLength
            : !isFitted
                ? max(256, trained)
                : min(max(256, trained), max(configuration.fit.minimumContextLength, fitting / shares))
        let usesUnifiedKV =
            switch configuration.kvCacheLayout {
            case .unified: true
            case .separate: false
            case .automatic: weights > smallByteCount || length > fitting / configuration.sequenceCount
            }
        let needed = length * bytesPerToken * (usesUnifiedKV ? 1 : configuration.sequenceCount)
        guard isDefault && isFitted || needed <= available else {
            throw LlamaError(
                .outOfMemory,
                "A context of \(length) tokens\(usesUnifiedKV ? "" : " for each of \(configuration.sequenceCount) sequences")"
                    + " needs \(needed >> 20) MiB, but only \(available >> 20) MiB are free: choose a smaller context.")
        }
        return Plan(contextLength: length, usesUnifiedKV: usesUnifiedKV)
    }

    /// The memory that is available without swapping, in bytes; `nil` if the system does not report it.
    package static var available: Int? {
        #if os(Linux)
            let free = firstNumber(in: "/proc/meminfo", after: "MemAvailable:").map { $0 * 1024 }
            // The limit of a container may be below the memory of the machine.
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
        /// The number behind `key` at the beginning of a line of a small file; `nil` if there is none.
        private static func firstNumber(in path: String, after key: String) -> Int? {
            guard let text = readSmallFile(path) else { return nil }
            for line in text.split(separator: "\n") where line.hasPrefix(key) {
                return Int(line.dropFirst(key.count).drop { $0 == " " }.prefix { $0.isNumber })
            }
            return nil
        }
    #endif
}
