package import MartletProtocol
package import MartletStreams

/// The owners that share cached prompts. The raw values are the words of `--cache-scope`.
package enum CacheScope: String, Sendable, CaseIterable {
    /// Each API key has cached prompts of its own. Without keys there is one owner.
    case owner = "key"
    /// All keys share cached prompts. A response then shows by its time and by `cached_tokens` whether another key has
    /// sent a prompt that begins alike.
    case global

    /// The keys of an owner's requests for the KV cache and for fair shares.
    package func tenant(of owner: Owner) -> TenantKeys {
        let number = owner.number
        return TenantKeys(cacheScope: self == .global ? 0 : number, fairShare: number)
    }
}

extension Owner {
    /// 64 bits of the SHA-256 that is the owner's name; 0 for the open owner only.
    fileprivate var number: UInt64 {
        guard self != .open else { return 0 }
        if let number = UInt64(rawValue.prefix(16), radix: 16) { return max(number, 1) }
        // A name that is no hash, as tests have it: FNV-1a.
        return max(1, rawValue.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
    }
}
