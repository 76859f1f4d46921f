internal import MartletFiles
internal import MartletJSON
internal import MartletPlatform
internal import MartletProtocol
internal import MartletStreams
internal import OrderedCollections

/// The folder with the definitions of pinned prefixes, one JSON file each: `ID.json` with 16 hexadecimal digits.
///
/// A file contains what the client sent. The KV state is not in it: it is in the disk tier, or is computed again. Only
/// the server's account can read the folder. Thread: any; the calls block on the disk.
package struct PrefixFolder: Sendable {
    /// The largest file that is read.
    private static let byteLimit = 64 << 20
    private static let suffix = ".json"
    private static let version: Int64 = 1

    private let path: String

    /// The folder within the folder of the server's state. It is made when the first prefix is written.
    package init(state: String) { path = state + "/prefixes" }

    /// Reads all definitions.
    /// - Returns: the prefixes, and one line per file that cannot be read. Such a file stays where it is.
    func read() -> (prefixes: [PinnedPrefix], problems: [String]) {
        var prefixes: [PinnedPrefix] = []
        var problems: [String] = []
        for name in Self.names(in: path) where name.hasSuffix(Self.suffix) {
            let file = path + "/" + name
            do throws(FileError) {
                let open = try OpenFile.regular(file, followsLinks: false)
                guard open.byteCount <= Self.byteLimit else { throw FileError("it is larger than any prefix") }
                let bytes = try open.read(at: 0, count: open.byteCount)
                guard let prefix = Self.decode(bytes, fileName: name) else {
                    throw FileError("it is no definition of a prefix")
                }
                prefixes.append(prefix)
            } catch {
                problems.append("\(file): \(error)")
            }
        }
        return (prefixes, problems)
    }

    /// Writes a definition. A reader finds the old file or the new one, never a part.
    func write(_ prefix: PinnedPrefix) throws(FileError) {
        if mkdir(path, 0o700) != 0, errno != EEXIST { throw FileError(code: errno) }
        let file = self.file(of: prefix.id)
        let partial = file + ".part"
        do {
            let open = try OpenFile.regular(partial, for: .replacing, followsLinks: false)
            try Self.write(Self.encode(prefix), to: open.descriptor)
            guard fsync(open.descriptor) == 0 else { throw FileError(code: errno) }
        }
        guard rename(partial, file) == 0 else { throw FileError(code: errno) }
    }

    /// Removes a definition. A missing file is no error.
    func remove(_ id: PinnedPrefixID) throws(FileError) {
        if unlink(file(of: id)) != 0, errno != ENOENT { throw FileError(code: errno) }
    }

    private func file(of id: PinnedPrefixID) -> String { path + "/" + Self.name(of: id) + Self.suffix }

    private static func name(of id: PinnedPrefixID) -> String {
        let digits = String(id.rawValue, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func names(in folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let name { names.append(name) }
        }
        return names.sorted()
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) throws(FileError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { systemWrite(descriptor, $0) }
            if count > 0 {
                rest.removeFirst(count)
            } else if errno != EINTR {
                throw FileError(code: errno)
            }
        }
    }

    // MARK: Encoding

    static func encode(_ prefix: PinnedPrefix) -> [UInt8] {
        let json: JSONValue = [
            "version": .integer(version), "name": .string(prefix.name), "owner": .string(prefix.owner.rawValue),
            "created": .integer(prefix.created), "tokens": .integer(Int64(prefix.tokens)), "body": prefix.body,
        ]
        return json.bytes
    }

    /// - Returns: nil for bytes that no version of this server has written.
    static func decode(_ bytes: [UInt8], fileName: String) -> PinnedPrefix? {
        let digits = fileName.dropLast(suffix.count)
        guard digits.utf8.count == 16, let number = UInt64(digits, radix: 16),
            let json = try? JSONParser.parse(bytes), json["version"]?.integerValue == version,
            let name = json["name"]?.stringValue, !name.isEmpty, let owner = json["owner"]?.stringValue,
            let created = json["created"]?.integerValue, let body = json["body"], body.objectValue != nil,
            let tokens = json["tokens"]?.integerValue.flatMap({ Int(exactly: $0) }), tokens >= 0
        else { return nil }
        return PinnedPrefix(
            id: PinnedPrefixID(rawValue: number), owner: Owner(rawValue: owner), name: name, body: body,
            created: created, tokens: tokens)
    }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}
