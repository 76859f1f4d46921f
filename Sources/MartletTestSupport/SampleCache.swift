package import MartletProtocol

/// Random values about the KV cache, for tests of encodings.
///
/// Example: `SampleCache.report(&random)` makes a report with any reason and tier. Equal seeds give equal values, and
/// every optional field is sometimes absent. The numbers often lie at the limits of their types, so that a
/// narrow encoding fails.
package enum SampleCache {
    /// Parameters with a random value in every field.
    package static func parameters(_ random: inout SeededGenerator) -> CacheParameters {
        var value = CacheParameters()
        value.retention = CacheParameters.Retention.allCases.randomElement(using: &random) ?? .normal
        value.prefix = prefix(&random)
        value.isExplained = Bool.random(using: &random)
        value.shiftLength = random.integer()
        return value
    }

    /// A slot action of any kind.
    package static func action(_ random: inout SeededGenerator) -> SlotAction {
        let kinds = [SlotAction.Kind.save(path: random.text()), .restore(path: random.text()), .erase]
        return SlotAction(
            kinds.randomElement(using: &random) ?? .erase, slot: random.integer(), cacheScope: random.unsigned())
    }

    /// A boundary of any kind. Its place need not exist in a prompt: an encoding stores places without a check.
    package static func boundary(_ random: inout SeededGenerator) -> PromptBoundary {
        PromptBoundary(
            PromptBoundary.Kind.allCases.randomElement(using: &random) ?? .message, piece: random.integer(),
            offset: random.integer(), isPinned: Bool.random(using: &random))
    }

    /// A report with any reason.
    ///
    /// The difference is independent of the reason, so that each of them is encoded with and without the other.
    package static func report(_ random: inout SeededGenerator) -> CacheReport {
        var report = CacheReport(
            CacheReport.Reason.allCases.randomElement(using: &random) ?? .empty, matchedTokens: random.integer(),
            tier: tier(&random))
        report.usesCheckpoint = Bool.random(using: &random)
        report.prefix = prefix(&random)
        report.difference = random.maybe { random in
            CacheReport.Difference(index: random.integer(), promptText: random.text(), cachedText: random.text())
        }
        report.shift = random.maybe { random in
            CacheReport.Shift(tokens: random.integer(), isPossible: Bool.random(using: &random))
        }
        return report
    }

    /// A status with any number of tiers and prefixes.
    ///
    /// The list of tiers may contain a tier twice. An engine never reports such a list, but an encoding must
    /// preserve it.
    package static func status(_ random: inout SeededGenerator) -> CacheStatus {
        var value = CacheStatus()
        value.tiers = random.list { random in
            var status = CacheTierStatus(CacheTier.allCases.randomElement(using: &random) ?? .ram)
            status.entries = random.integer()
            status.tokens = random.integer()
            status.byteCount = random.unsigned()
            status.byteLimit = random.maybe { $0.unsigned() }
            status.reusedTokens = random.unsigned()
            status.evictions = random.unsigned()
            status.damaged = random.unsigned()
            return status
        }
        value.hits = random.unsigned()
        value.misses = random.unsigned()
        value.checkpoints = random.integer()
        value.checkpointRestores = random.unsigned()
        value.prefixes = random.list { random in
            var status = PinnedPrefixStatus(PinnedPrefixID(rawValue: random.unsigned()))
            status.tokens = random.integer()
            status.byteCount = random.unsigned()
            status.tier = tier(&random)
            status.hits = random.unsigned()
            status.idleTime = random.maybe { $0.duration() }
            return status
        }
        return value
    }

    /// A tier, or none: nothing was reused.
    private static func tier(_ random: inout SeededGenerator) -> CacheTier? {
        random.maybe { random in CacheTier.allCases.randomElement(using: &random) ?? .ram }
    }

    /// A pinned prefix, or none.
    private static func prefix(_ random: inout SeededGenerator) -> PinnedPrefixID? {
        random.maybe { PinnedPrefixID(rawValue: $0.unsigned()) }
    }
}
