internal import Crypto
internal import Logging
internal import MartletFiles
internal import MartletGenerations
internal import MartletPlatform
internal import MartletStreams
internal import NIOPosix
internal import Synchronization

/// The chats that the server stores for its users (`--history`), as files below one folder.
///
///     FOLDER/OWNER/store               a random text that names this folder
///     FOLDER/OWNER/c-NAME.json         a chat; NAME in hexadecimal digits
///     FOLDER/OWNER/f-NAME-FILE.bin     a file of a chat
///
/// An owner's files are read once, at the first request of the owner: each chat's tag is a hash of its bytes. A chat that another
/// process changed is noticed by its size and time at the next request that names it.
///
/// Thread: any. Each call uses the disk on a thread that may wait; calls of one owner exclude each other.
final class SavedChats: Sendable {
    /// Why a call did not succeed.
    enum Failure: Error, Equatable, Sendable {
        case refused(SavedChatIndex.Refusal)
        /// The disk failed.
        case disk(FileError)
    }

    /// The list of an owner's chats.
    struct List: Sendable {
        /// The random text of the owner's folder.
        var store: String
        /// Changes with each change of the list.
        var tag: String
        /// The bytes of all chats and files.
        var byteCount: Int
        /// The chats in the order of their names.
        var entries: [(name: SavedChatName, entry: SavedChatIndex.Entry)]
    }

    private struct Contents {
        var store: String
        var index: SavedChatIndex
    }

    /// The chats of one owner. The lock is held while the disk works, so that check, file and record are one step.
    private final class Shelf: Sendable {
        let folder: SmallFileFolder
        /// nil until the folder was read.
        let contents = Mutex<Contents?>(nil)

        init(folder: SmallFileFolder) { self.folder = folder }
    }

    private let path: String
    private let limits: SavedChatIndex.Limits
    private let logger: Logger
    private let shelves = Mutex<[Owner: Shelf]>([:])
    /// Part of the lists' tags, so that a tag of an earlier process is never valid.
    private let process = SavedChats.randomText()

    /// The most bytes of a chat, and of a file of a chat.
    static let documentLimit = 32 << 20

    /// - Parameters:
    ///   - path: the folder of all owners; made when the first chat is written.
    ///   - byteLimit: the most bytes of one owner.
    init(path: String, byteLimit: Int, logger: Logger) {
        self.path = path
        limits = SavedChatIndex.Limits(bytes: byteLimit)
        self.logger = logger
    }

    // MARK: Chats

    /// All chats of an owner.
    /// - Complexity: O(n log n) for n chats; the first call reads them all.
    func list(of owner: Owner) async throws(Failure) -> List {
        try await onShelf(of: owner) { [process] folder, contents throws(Failure) in
            // The folder's name must last, so it is written with the first list.
            if contents.store.isEmpty { contents.store = try Self.makeStore(in: folder) }
            return List(
                store: contents.store, tag: "\(process)-\(contents.index.version)",
                byteCount: contents.index.byteCount,
                entries: contents.index.entries.map { (name: $0.key, entry: $0.value) }.sorted { $0.name < $1.name })
        }
    }

    /// The bytes of a chat, and its tag.
    func read(_ name: SavedChatName, of owner: Owner) async throws(Failure) -> (bytes: [UInt8], tag: String) {
        try await onShelf(of: owner) { folder, contents throws(Failure) in
            try Self.refresh(name, folder, &contents)
            guard let entry = contents.index.entries[name] else { throw .refused(.missing) }
            return (try Self.disk { () throws(FileError) in try folder.read(Self.file(of: name)) }, entry.tag)
        }
    }

    /// Writes a chat if its state is the expected one. The disk has the chat when the call returns.
    /// - Returns: the new tag.
    func write(
        _ bytes: [UInt8], _ name: SavedChatName, of owner: Owner, _ condition: WriteCondition
    ) async throws(Failure) -> String {
        try await onShelf(of: owner) { folder, contents throws(Failure) in
            try Self.refresh(name, folder, &contents)
            try Self.rule { () throws(SavedChatIndex.Refusal) in
                try contents.index.check(name, byteCount: bytes.count, condition)
            }
            let file = Self.file(of: name)
            try Self.disk { () throws(FileError) in try folder.write(bytes, file) }
            let tag = Self.tag(of: bytes)
            contents.index.record(
                name, tag: tag, byteCount: bytes.count, modified: folder.facts(of: file)?.modified ?? 0)
            return tag
        }
    }

    /// Removes a chat with its files if its state is the expected one.
    func remove(_ name: SavedChatName, of owner: Owner, _ condition: WriteCondition) async throws(Failure) {
        try await onShelf(of: owner) { folder, contents throws(Failure) in
            try Self.refresh(name, folder, &contents)
            try Self.rule { () throws(SavedChatIndex.Refusal) in
                try contents.index.checkRemoval(name, condition)
            }
            let files = contents.index.entries[name]?.files.keys.sorted() ?? []
            // The chat first: files without a chat are removed at the next start.
            try Self.disk { () throws(FileError) in try folder.remove(Self.file(of: name)) }
            contents.index.remove(name)
            try Self.disk { () throws(FileError) in
                for file in files { try folder.remove(Self.file(file, of: name)) }
            }
        }
    }

    // MARK: Files of chats

    /// The bytes of a file of a chat.
    func read(_ file: SavedChatName, of name: SavedChatName, _ owner: Owner) async throws(Failure) -> [UInt8] {
        try await onShelf(of: owner) { folder, contents throws(Failure) in
            guard contents.index.entries[name]?.files[file] != nil else { throw .refused(.missing) }
            return try Self.disk { () throws(FileError) in try folder.read(Self.file(file, of: name)) }
        }
    }

    /// Adds a file to a chat, or replaces it.
    func write(
        _ bytes: [UInt8], _ file: SavedChatName, of name: SavedChatName, _ owner: Owner
    ) async throws(Failure) {
        try await onShelf(of: owner) { folder, contents throws(Failure) in
            try Self.rule { () throws(SavedChatIndex.Refusal) in
                try contents.index.check(file, of: name, byteCount: bytes.count)
            }
            try Self.disk { () throws(FileError) in try folder.write(bytes, Self.file(file, of: name)) }
            contents.index.record(file, of: name, byteCount: bytes.count)
        }
    }

    /// Removes a file of a chat.
    func remove(_ file: SavedChatName, of name: SavedChatName, _ owner: Owner) async throws(Failure) {
        try await onShelf(of: owner) { folder, contents throws(Failure) in
            guard contents.index.entries[name]?.files[file] != nil else { throw .refused(.missing) }
            try Self.disk { () throws(FileError) in try folder.remove(Self.file(file, of: name)) }
            contents.index.remove(file, of: name)
        }
    }

    // MARK: The folder

    /// Runs `body` with an owner's folder and contents, on a thread that may wait for the disk.
    private func onShelf<Value: Sendable>(
        of owner: Owner,
        _ body: @escaping @Sendable (SmallFileFolder, inout Contents) throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let shelf = shelves.withLock { shelves in
            if let shelf = shelves[owner] { return shelf }
            // An owner is a hash of a key or the word `open`, so it is the name of a folder.
            let shelf = Shelf(
                folder: SmallFileFolder(path: path + "/" + owner.rawValue, byteLimit: Self.documentLimit))
            shelves[owner] = shelf
            return shelf
        }
        let work = { @Sendable [self] () -> Result<Value, Failure> in
            shelf.contents.withLock { contents -> Result<Value, Failure> in
                do throws(Failure) {
                    _ = mkdir(path, 0o700)
                    var current = if let contents { contents } else { try load(shelf.folder) }
                    // The disk has each record of the body, even if the body fails later.
                    defer { contents = current }
                    return .success(try body(shelf.folder, &current))
                } catch {
                    return .failure(error)
                }
            }
        }
        // The pool refuses work only when the process ends; the calling thread may wait then.
        return try ((try? await NIOThreadPool.singleton.runIfActive(work)) ?? work()).get()
    }

    /// Reads an owner's folder. Files that no chat names, and parts of files, are removed.
    ///
    /// An unreadable chat fails the call: a list without it would say to all devices that it was removed.
    private func load(_ folder: SmallFileFolder) throws(Failure) -> Contents {
        var contents = Contents(store: "", index: SavedChatIndex(limits: limits))
        let names = try Self.disk { () throws(FileError) in try folder.listing() }
        for name in names {
            guard let chat = Self.chat(ofFile: name) else { continue }
            try Self.add(chat, folder, &contents)
        }
        for name in names {
            if name.hasSuffix(SmallFileFolder.partSuffix) { try? folder.remove(name) }
            guard let (file, chat) = Self.attachment(ofFile: name), let facts = folder.facts(of: name) else { continue }
            if contents.index.entries[chat] == nil {
                try? folder.remove(name)
            } else {
                contents.index.record(file, of: chat, byteCount: facts.byteCount)
            }
        }
        if let bytes = try? folder.read(Self.storeFile), let text = String(validating: bytes, as: UTF8.self) {
            contents.store = text
        }
        logger.info(
            "read saved chats",
            metadata: ["chats": "\(contents.index.entries.count)", "bytes": "\(contents.index.byteCount)"])
        return contents
    }

    /// Reads a chat's file into the index, if there is one.
    private static func add(
        _ name: SavedChatName, _ folder: SmallFileFolder, _ contents: inout Contents
    ) throws(Failure) {
        let file = file(of: name)
        guard let facts = folder.facts(of: file) else { return }
        let bytes = try disk { () throws(FileError) in try folder.read(file) }
        contents.index.record(name, tag: tag(of: bytes), byteCount: bytes.count, modified: facts.modified)
    }

    /// Reads a chat again if its file is not the one of the index.
    private static func refresh(
        _ name: SavedChatName, _ folder: SmallFileFolder, _ contents: inout Contents
    ) throws(Failure) {
        let entry = contents.index.entries[name]
        let facts = folder.facts(of: file(of: name))
        guard facts?.byteCount != entry?.byteCount || facts?.modified != entry?.modified else { return }
        if facts == nil { contents.index.remove(name) } else { try add(name, folder, &contents) }
    }

    private static let storeFile = "store"

    private static func makeStore(in folder: SmallFileFolder) throws(Failure) -> String {
        let text = randomText()
        try disk { () throws(FileError) in try folder.write(Array(text.utf8), storeFile) }
        return text
    }

    /// 16 random hexadecimal digits.
    private static func randomText() -> String {
        let digits = String(UInt64.random(in: 0 ... .max), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func file(of name: SavedChatName) -> String { "c-\(name.digits).json" }

    private static func file(_ file: SavedChatName, of name: SavedChatName) -> String {
        "f-\(name.digits)-\(file.digits).bin"
    }

    private static func chat(ofFile name: String) -> SavedChatName? {
        guard name.hasPrefix("c-"), name.hasSuffix(".json") else { return nil }
        return SavedChatName(digits: name.dropFirst(2).dropLast(5))
    }

    private static func attachment(ofFile name: String) -> (file: SavedChatName, chat: SavedChatName)? {
        guard name.hasPrefix("f-"), name.hasSuffix(".bin") else { return nil }
        let parts = name.dropFirst(2).dropLast(4).split(separator: "-")
        guard parts.count == 2, let chat = SavedChatName(digits: parts[0]),
            let file = SavedChatName(digits: parts[1])
        else { return nil }
        return (file, chat)
    }

    /// The first 16 bytes of the SHA-256, in hexadecimal digits.
    private static func tag(of bytes: [UInt8]) -> String {
        SHA256.hash(data: bytes).prefix(16).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func disk<Value>(_ body: () throws(FileError) -> Value) throws(Failure) -> Value {
        do throws(FileError) { return try body() } catch { throw .disk(error) }
    }

    private static func rule(_ body: () throws(SavedChatIndex.Refusal) -> Void) throws(Failure) {
        do throws(SavedChatIndex.Refusal) { try body() } catch { throw .refused(error) }
    }
}
