internal import MartletFiles
internal import MartletJSON
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

    private let folder: SmallFileFolder

    /// The folder within the folder of the server's state. It is made when the first prefix is written.
    package init(state: String) { folder = SmallFileFolder(path: state + "/prefixes", byteLimit: Self.byteLimit) }

    /// Reads all definitions.
    /// - Returns: the prefixes, and one line per file that cannot be read. Such a file stays where it is.
    func read() -> (prefixes: [PinnedPrefix], problems: [String]) {
        var prefixes: [PinnedPrefix] = []
        var problems: [String] = []
        for name in folder.names() where name.hasSuffix(Self.suffix) {
            do throws(FileError) {
                let bytes = try folder.read(name)
                guard let prefix = Self.decode(bytes, fileName: name) else {
                    throw FileError("it is no definition of a prefix")
                }
                prefixes.append(prefix)
            } catch {
                problems.append("\(folder.path)/\(name): \(error)")
            }
        }
        return (prefixes, problems)
    }

    /// Writes a definition. A reader finds the old file or the new one, never a part.
    func write(_ prefix: PinnedPrefix) throws(FileError) {
        try folder.write(Self.encode(prefix), Self.name(of: prefix.id) + Self.suffix)
    }

    /// Removes a definition. A missing file is no error.
    func remove(_ id: PinnedPrefixID) throws(FileError) { try folder.remove(Self.name(of: id) + Self.suffix) }

    private static func name(of id: PinnedPrefixID) -> String {
        let digits = String(id.rawValue, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
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
