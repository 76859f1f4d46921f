/// An action on the cached tokens of one slot: they are written to a file, replaced by those of a file, or dropped.
///
/// Example: a client saves slot 0 to `chat.bin` before the server is updated, and restores it afterwards.
package struct SlotAction: Sendable, Equatable {
    /// The effect of an action.
    package enum Kind: Sendable, Equatable {
        /// Writes the tokens, their state and their checkpoints to a file, which replaces an existing one.
        case save(path: String)
        /// Reads a file that `save` wrote with the same model and the same settings.
        case restore(path: String)
        /// Drops the cached tokens.
        case erase
    }
    /// The index of the slot.
    package var slot: Int
    package var kind: Kind
    /// The scope of the client (see `TenantKeys`). Tokens of other scopes count as absent, in slots and in files.
    package var cacheScope: UInt64

    package init(_ kind: Kind, slot: Int, cacheScope: UInt64 = 0) {
        self.kind = kind
        self.slot = slot
        self.cacheScope = cacheScope
    }
}

/// The result of a slot action.
package struct SlotActionResult: Sendable, Equatable {
    /// The number of tokens that were saved, restored or dropped.
    package var tokenCount: Int
    /// The size of the file in bytes; 0 for `erase`.
    package var byteCount: Int
    /// The time that the action took, without waiting for the slot.
    package var duration: Duration

    package init(tokenCount: Int, byteCount: Int = 0, duration: Duration = .zero) {
        self.tokenCount = tokenCount
        self.byteCount = byteCount
        self.duration = duration
    }
}

/// The name of a file in the folder of saved slots. It names a file in that folder and nothing else.
package struct SlotFileName: Sendable, Equatable, CustomStringConvertible {
    /// The longest name of most file systems.
    package static let maximumByteCount = 255

    package let description: String

    /// Validates a name that a client sent.
    ///
    /// - Throws: the rule that the name breaks, as a predicate that follows the name of the field.
    package init(_ name: String) throws(SlotFileNameError) {
        let bytes = name.utf8
        guard !bytes.isEmpty else { throw SlotFileNameError("must not be empty") }
        guard bytes.count <= Self.maximumByteCount else {
            throw SlotFileNameError("must have at most \(Self.maximumByteCount) bytes, not \(bytes.count)")
        }
        // Backslashes and colons separate parts of a path on other systems.
        for byte in bytes where byte < 0x20 || byte == 0x7F || [0x2F, 0x5C, 0x3A].contains(byte) {
            throw SlotFileNameError("must not contain the byte 0x\(String(byte, radix: 16, uppercase: true))")
        }
        var previous: UInt8?
        for byte in bytes {
            if byte == 0x2E, previous == 0x2E { throw SlotFileNameError("must not contain '..'") }
            previous = byte
        }
        // A leading dot hides a file, and `.` is the folder itself.
        guard bytes.first != 0x2E else { throw SlotFileNameError("must not begin with '.'") }
        description = name
    }
}

/// The rule that a name of a saved slot breaks.
package struct SlotFileNameError: Error, Sendable, Equatable, CustomStringConvertible {
    package let description: String

    init(_ rule: String) { description = rule }
}
