package import MartletJSON
package import MartletProtocol

/// JSON of slot actions: llama-server's members.
package enum SlotBodies {
    /// The reply to `save`.
    package static func saved(_ result: SlotActionResult, slot: Int, fileName: String) -> JSONValue {
        [
            "id_slot": integer(slot), "filename": .string(fileName), "n_saved": integer(result.tokenCount),
            "n_written": integer(result.byteCount), "timings": ["save_ms": milliseconds(result)],
        ]
    }

    /// The reply to `restore`.
    package static func restored(_ result: SlotActionResult, slot: Int, fileName: String) -> JSONValue {
        [
            "id_slot": integer(slot), "filename": .string(fileName), "n_restored": integer(result.tokenCount),
            "n_read": integer(result.byteCount), "timings": ["restore_ms": milliseconds(result)],
        ]
    }

    /// The reply to `erase`.
    package static func erased(_ result: SlotActionResult, slot: Int) -> JSONValue {
        ["id_slot": integer(slot), "n_erased": integer(result.tokenCount)]
    }

    private static func integer(_ value: Int) -> JSONValue { .integer(Int64(value)) }

    private static func milliseconds(_ result: SlotActionResult) -> JSONValue {
        .number((result.duration.milliseconds * 1_000).rounded() / 1_000)
    }
}
