internal import MartletFiles
package import MartletJSON
internal import MartletStreams

/// A change of a stored conversation.
package enum ConversationChange: Sendable, Equatable {
    /// Replaces the metadata.
    case metadata(JSONObject)
    /// Adds items behind the others, each with an id. `response` is the response that they belong to; a response
    /// that the conversation already has adds nothing.
    case add([JSONObject], response: String?)
    /// Removes an item.
    case remove(itemID: String)
}

/// The file of a conversation: a line with its state, and a line for each change since.
///
/// A line is the checksum of its JSON as eight hexadecimal digits, a space, the JSON, and a line feed. The state is an
/// object with `version`; a change has `items` and perhaps `response`, or `metadata`, or `removed`. A process that ends
/// while it writes leaves an incomplete last line, which does not count: the conversation is that of the valid lines
/// from the beginning. A file that begins with `{` is a state of version 1, which had no checksum and no changes.
///
/// Pure: reads and makes bytes, `ConversationFiles` has the disk.
package struct ConversationFile: Sendable, Equatable {
    /// The conversation after the last valid line.
    package private(set) var conversation: StoredConversation
    /// Bytes of the valid lines.
    package private(set) var byteCount: Int
    /// Bytes within them that a file with one line would not have: removed items, replaced metadata.
    private(set) var deadByteCount = 0
    /// Whether a change may be written behind the bytes that were read.
    private(set) var isAppendable = true

    /// The least bytes that a rewrite saves.
    static let deadByteLimit = 64 << 10

    /// How a change reaches the disk.
    package enum Update: Sendable, Equatable {
        /// These bytes follow those of the file.
        case append([UInt8])
        /// The file is written again.
        case replace([UInt8])

        /// The bytes that are written.
        package var bytes: [UInt8] {
            switch self {
            case .append(let bytes), .replace(let bytes): bytes
            }
        }
    }

    /// The file of a conversation that is written as a whole.
    package init(_ conversation: StoredConversation) {
        self.conversation = conversation
        byteCount = Self.line(conversation.json).count
    }

    /// Reads a file.
    ///
    /// - Returns: nil for bytes that no server of this version or version 1 has written.
    /// - Complexity: O(bytes).
    package init?(_ bytes: [UInt8]) {
        if bytes.first == UInt8(ascii: "{") {
            guard let json = try? JSONParser.parse(bytes, limits: .envelope),
                let conversation = StoredConversation(json, version: 1)
            else { return nil }
            self.conversation = conversation
            byteCount = bytes.count
            isAppendable = false
            return
        }
        var rest = bytes[...]
        guard let head = Self.nextLine(&rest),
            let conversation = StoredConversation(head, version: StoredConversation.version)
        else { return nil }
        self.conversation = conversation
        byteCount = rest.startIndex
        while let json = Self.nextLine(&rest), let change = ConversationChange(json) {
            let line = rest.startIndex - byteCount
            byteCount = rest.startIndex
            if !apply(change, byteCount: line) { deadByteCount += line }
        }
        isAppendable = byteCount == bytes.count
    }

    /// Bytes of the state and of the changes that are part of it.
    package var liveByteCount: Int { byteCount - deadByteCount }

    /// Applies a change.
    ///
    /// A file whose dead bytes are more than its live ones, and more than 64 KiB, is written again. Each byte dies once,
    /// so all writes of a conversation together have at most twice the bytes of its first state and its changes.
    /// - Returns: the bytes for the disk; nil if the change has no effect.
    /// - Complexity: O(bytes of the change), and O(bytes of the file) for a removal and for a rewrite.
    package mutating func update(_ change: ConversationChange) -> Update? {
        let line = Self.line(change.json)
        guard apply(change, byteCount: line.count) else { return nil }
        byteCount += line.count
        guard !isAppendable || deadByteCount > max(liveByteCount, Self.deadByteLimit) else { return .append(line) }
        let bytes = self.bytes
        (byteCount, deadByteCount, isAppendable) = (bytes.count, 0, true)
        return .replace(bytes)
    }

    /// The file with a single line.
    package var bytes: [UInt8] { Self.line(conversation.json) }

    /// Applies a change to the conversation, and counts the bytes that it makes dead.
    ///
    /// - Parameter byteCount: the bytes of the change's line.
    /// - Returns: false if the change has no effect.
    private mutating func apply(_ change: ConversationChange, byteCount: Int) -> Bool {
        switch change {
        case .metadata(let metadata):
            if metadata == conversation.metadata { return false }
            deadByteCount += JSONValue.object(conversation.metadata).bytes.count
            conversation.metadata = metadata
        case .add(let items, let response):
            if let response {
                if conversation.responses.contains(response) { return false }
                conversation.responses.append(response)
            } else if items.isEmpty {
                return false
            }
            conversation.items += items
        case .remove(let id):
            let isRemoved: (JSONObject) -> Bool = { $0["id"] == .string(id) }
            let removed = conversation.items.filter(isRemoved)
            if removed.isEmpty { return false }
            deadByteCount += removed.reduce(byteCount) { $0 + JSONValue.object($1).bytes.count + 1 }
            conversation.items.removeAll(where: isRemoved)
        }
        return true
    }

    // MARK: Lines

    private static let checksumDigits = 8

    private static func line(_ json: JSONValue) -> [UInt8] {
        let body = json.bytes
        return checksum(body[...]) + [UInt8(ascii: " ")] + body + [UInt8(ascii: "\n")]
    }

    /// The JSON of the next line, which is removed from `rest`; nil unless the line is complete and has its checksum.
    private static func nextLine(_ rest: inout ArraySlice<UInt8>) -> JSONValue? {
        guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let line = rest[..<end]
        let body = line.dropFirst(checksumDigits + 1)
        guard line.count > checksumDigits, line[line.startIndex + checksumDigits] == UInt8(ascii: " "),
            line.prefix(checksumDigits).elementsEqual(checksum(body)),
            let json = try? JSONParser.parse(Array(body), limits: .envelope)
        else { return nil }
        rest = rest[(end + 1)...]
        return json
    }

    private static func checksum(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        let digits = String(CRC32C.of(bytes), radix: 16)
        return Array((String(repeating: "0", count: checksumDigits - digits.count) + digits).utf8)
    }
}

extension ConversationChange {
    /// The JSON of the change's line.
    fileprivate var json: JSONValue {
        switch self {
        case .metadata(let metadata): return ["metadata": .object(metadata)]
        case .remove(let id): return ["removed": .string(id)]
        case .add(let items, let response):
            let items = JSONValue.array(items.map { .object($0) })
            return response.map { ["items": items, "response": .string($0)] } ?? ["items": items]
        }
    }

    /// Reads a line; nil for JSON that is no change of this version.
    fileprivate init?(_ json: JSONValue) {
        if let id = json["removed"]?.stringValue {
            self = .remove(itemID: id)
        } else if let metadata = json["metadata"]?.objectValue {
            self = .metadata(metadata)
        } else if let items = json["items"]?.arrayValue {
            self = .add(items.compactMap(\.objectValue), response: json["response"]?.stringValue)
        } else {
            return nil
        }
    }
}
