import MartletJSON
import MartletProtocol

/// Writes a cache report as the member `cache` of `timings`.
///
/// Example, of a prompt whose system message contains the time of day:
///
///     "cache":{"reused":41,"tiers":{"kv":41,"ram":0,"disk":0},"matched":41,"reason":"differs",
///              "checkpoint":false,"pinned":false,"difference":{"index":41,"prompt":"09:13","cached":"09:12"}}
struct CacheReportWriter {
    let report: CacheReport
    let timings: Timings
    let showsCachedText: Bool

    /// Appends `,"cache":{…}`.
    func write(to bytes: inout [UInt8]) {
        JSONText.appendRaw(",\"cache\":", to: &bytes)
        object.write(to: &bytes)
    }

    private var object: JSONValue {
        let restored = timings.restoredTokens
        var members: [(String, JSONValue)] = [
            ("reused", integer(timings.cachedTokens)),
            (
                "tiers",
                [
                    "kv": integer(timings.cachedTokens - restored.ram - restored.disk), "ram": integer(restored.ram),
                    "disk": integer(restored.disk),
                ]
            ),
            ("matched", integer(report.matchedTokens)), ("reason", .string(report.reason.word)),
            ("checkpoint", .bool(report.usesCheckpoint)), ("pinned", .bool(report.prefix != nil)),
        ]
        if let shift = report.shift {
            members.append(("shift", ["reused": integer(shift.tokens), "possible": .bool(shift.isPossible)]))
        }
        if let difference = report.difference {
            members.append(("difference", json(of: difference)))
        }
        return .object(JSONObject(uniqueKeysWithValues: members))
    }

    /// The text of the cached prompt may belong to another owner; then it is left out.
    private func json(of difference: CacheReport.Difference) -> JSONValue {
        var members: JSONObject = ["index": integer(difference.index), "prompt": .string(difference.promptText)]
        if showsCachedText { members["cached"] = .string(difference.cachedText) }
        return .object(members)
    }

    private func integer(_ value: Int) -> JSONValue { .integer(Int64(value)) }
}

extension CacheReport.Reason {
    /// The word of the reason on the wire.
    package var word: String {
        switch self {
        case .complete: "complete"
        case .empty: "empty"
        case .extended: "extended"
        case .differs: "differs"
        case .notRead: "not_read"
        case .noCheckpoint: "no_checkpoint"
        case .otherAdapters: "other_adapters"
        case .alignment: "alignment"
        }
    }
}
