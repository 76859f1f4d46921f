import MartletFiles
import MartletJSON
import MartletModels
import MartletObservability
import MartletPlatform
import MartletText
import OrderedCollections

/// The stored conversations: one JSON file each in the folder `chats` of the chat's state.
///
/// Example: `{"model":null,"system":null,"messages":[{"role":"user","content":"Hi"},…]}` in `notes.json`. A conversation
/// without a name is stored under its time, such as `2026-11-30-021507`. Files are readable by their owner only.
struct ConversationStore: Sendable {
    /// A stored conversation in a list.
    struct Entry: Sendable, Equatable {
        var name: String
        /// The last change, in seconds since 1970.
        var time: Int
        /// The number of messages of the person.
        var messageCount: Int
        /// The beginning of the first message.
        var preview: String
    }

    /// The number of conversations without a name that are retained; older ones are removed.
    static let automaticLimit = 100
    private static let suffix = ".json"

    private let folder: FilePath

    /// - Returns: `nil` if neither `XDG_STATE_HOME` nor `HOME` names a folder.
    init?(environment: (String) -> String?) {
        guard let path = ChatFolder.path(environment: environment) else { return nil }
        folder = path.appending("chats")
    }

    /// The folder of the files, for messages.
    var path: String { folder.string }

    /// A name from a time in UTC.
    static func automaticName(milliseconds: Int64) -> String {
        let text = Timestamp.text(seconds: Int(milliseconds / 1_000), milliseconds: 0)
        let parts = text.prefix(19).split(separator: "T")
        return "\(parts.first ?? "")-\((parts.last ?? "").filter(\.isNumber))"
    }

    /// A name from a time in UTC that no conversation has: the time of a chat in the same second is moved on.
    func freeName(milliseconds: Int64) -> String {
        let taken = Set<String>(names())
        var time = milliseconds
        while taken.contains(Self.automaticName(milliseconds: time)) { time += 1_000 }
        return Self.automaticName(milliseconds: time)
    }

    /// Whether a name was made from a time.
    private static func isAutomatic(_ name: String) -> Bool {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        return parts.map(\.count) == [4, 2, 2, 6] && parts.allSatisfy { $0.allSatisfy(\.isNumber) }
    }

    /// The stored conversations, newest first. Files that cannot be read are left out.
    func list() -> [Entry] {
        let entries = names().compactMap { name -> (Entry, Int64)? in
            guard let conversation = try? load(name), let stamp = FileListing.stamp(file(name).string) else {
                return nil
            }
            let messages = conversation.messages.filter { $0.role == "user" }
            let preview = (messages.first?.content ?? "").beginning(bytes: 1_024).prefix(60).map {
                $0.isNewline ? " " : $0
            }
            return (
                Entry(
                    name: name, time: Int(stamp.modified / 1_000_000_000), messageCount: messages.count,
                    preview: String(preview)), stamp.modified
            )
        }
        return entries.sorted { $0.1 > $1.1 }.map(\.0)
    }

    /// The names of all files, in alphabetical order.
    func names() -> [String] {
        let files = (try? FileListing.entries(of: folder.string)) ?? []
        return files.filter { !$0.isFolder && $0.name.hasSuffix(Self.suffix) }
            .map { String($0.name.dropLast(Self.suffix.count)) }
    }

    /// Reads a conversation.
    /// - Throws: If there is no such conversation, or its file is damaged.
    func load(_ name: String) throws(SettingError) -> Conversation {
        try Self.check(name)
        guard FileListing.stamp(file(name).string) != nil else {
            let advice = NearestWord.find(name, among: names()).map { "did you mean '\($0)'?" } ?? "/list lists all"
            throw SettingError("there is no conversation '\(name.printable)'; \(advice)")
        }
        let json: JSONValue
        do {
            json = try JSONParser.parse(SmallFile.bytes(file(name).string, for: "the conversation"))
        } catch let error as SettingError {
            throw error
        } catch {
            throw SettingError("\(file(name)) is no JSON: \(error)")
        }
        guard let list = json["messages"]?.arrayValue else {
            throw SettingError("\(file(name)) has no list of messages")
        }
        let messages = list.compactMap { message -> Conversation.Message? in
            guard let role = message["role"]?.stringValue, let content = message["content"]?.stringValue,
                ["user", "assistant"].contains(role)
            else { return nil }
            return Conversation.Message(role: role, content: content)
        }
        return Conversation(
            system: json["system"]?.stringValue, model: json["model"]?.stringValue, messages: messages)
    }

    /// Writes a conversation. A reader sees the old file or the whole new one.
    func save(_ conversation: Conversation, as name: String) throws(SettingError) {
        try Self.check(name)
        ChatFolder.make(folder)
        let messages = conversation.messages.map { message -> JSONValue in
            .object(["role": .string(message.role), "content": .string(message.content)])
        }
        let json = JSONValue.object([
            "model": conversation.model.map { .string($0) } ?? .null,
            "system": conversation.system.map { .string($0) } ?? .null, "messages": .array(messages),
        ])
        let part = folder.appending(".\(name).part").string
        do {
            let descriptor = try FileDescriptor.open(
                FilePath(part), .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite])
            _ = try descriptor.closeAfter { try descriptor.writeAll(json.bytes) }
        } catch {
            throw SettingError("the conversation cannot be stored: \(part): \(error)")
        }
        guard rename(part, file(name).string) == 0 else {
            throw SettingError("the conversation cannot be stored: \(file(name)): \(String(cString: strerror(errno)))")
        }
        removeOld()
    }

    /// Removes a conversation, e.g. after it was stored under another name.
    func remove(_ name: String) { unlink(file(name).string) }

    /// Removes the oldest conversations without a name beyond the limit.
    private func removeOld() {
        for name in names().filter(Self.isAutomatic).dropLast(Self.automaticLimit) { remove(name) }
    }

    private func file(_ name: String) -> FilePath { folder.appending(name + Self.suffix) }

    /// A name is a part of a path, so it has no slash and does not begin with a dot.
    private static func check(_ name: String) throws(SettingError) {
        let isValid =
            (1...64).contains(name.utf8.count) && !name.hasPrefix(".")
            && !name.unicodeScalars.contains { $0 == "/" || $0.properties.generalCategory == .control }
        guard isValid else {
            throw SettingError(
                "a conversation's name must have 1 to 64 bytes without / and without a dot at its beginning, not '"
                    + "\(name.printable)'")
        }
    }
}
