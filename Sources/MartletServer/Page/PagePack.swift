internal import CPage
internal import MartletAPI
internal import MartletJSON
internal import MartletText
internal import NIOCore

/// The files of the chat page, as the bundle step packed them: each with its compressed forms.
///
/// Layout: 16 bytes `martlet page 1\n\n`, the length of the head as a 32-bit little-endian number, the head, the bytes.
/// The head is a JSON array with one object per file: `name`, `type`, `tag` (a hash of the content), and for each
/// coding (`identity`, `gzip`, `br`) the offset and the length of its bytes behind the head. A file that is much smaller in gzip
/// lacks its `identity`.
///
/// The bytes stay where they are, which is the read-only part of the program. A value costs a few kilobytes.
struct PagePack: Sendable {
    /// A form in which a file is stored.
    enum Coding: String, CaseIterable {
        /// Brotli, the smallest form. Browsers accept it from HTTPS and from this machine only.
        case brotli = "br"
        case gzip
        /// The file itself.
        case identity
    }

    /// One file.
    struct File: Sendable {
        /// The media type, for `Content-Type`.
        let type: String
        /// A hash of the content. Files with equal content have equal tags.
        let tag: String
        /// Whether the file is a page that the chat page shows in a frame.
        let isFramed: Bool
        /// The places of the stored forms: `gzip`, `identity`, or both are there.
        fileprivate(set) var places: [Coding: Range<Int>] = [:]
    }

    /// A rule that the bytes violate.
    enum Damage: Error, Equatable {
        /// The bytes do not begin with the name of the format.
        case notAPack
        /// The head is not the JSON that the layout demands, or names bytes that do not exist.
        case invalidHead(String)
    }

    /// All files by name; the page itself is `index.html`.
    let files: [ExactString: File]
    private let bytes: @Sendable (Range<Int>) -> ByteBuffer

    private static let magic = "martlet page 1\n\n"
    /// The most bytes of a head, as a check of its length.
    private static let headLimit = 1 << 20

    /// Reads the head of a pack.
    /// - Parameters:
    ///   - count: the number of bytes of the pack.
    ///   - bytes: copies bytes of the pack; called with ranges within `count` only, from any thread.
    init(count: Int, bytes: @escaping @Sendable (Range<Int>) -> ByteBuffer) throws(Damage) {
        self.bytes = bytes
        let preamble = Self.magic.utf8.count + 4
        guard count >= preamble else { throw .notAPack }
        var start = bytes(0..<preamble)
        guard start.readString(length: preamble - 4) == Self.magic,
            let length = start.readInteger(endianness: .little, as: UInt32.self).map({ Int($0) })
        else { throw .notAPack }
        guard length <= min(Self.headLimit, count - preamble) else { throw .invalidHead("its length is \(length)") }
        let head = bytes(preamble..<preamble + length)
        guard let json = try? JSONParser.parse(Array(head.readableBytesView)), let entries = json.arrayValue else {
            throw .invalidHead("it is not a JSON array")
        }
        var files: [ExactString: File] = [:]
        for entry in entries {
            let (name, file) = try Self.file(entry, from: preamble + length, to: count)
            guard files.updateValue(file, forKey: ExactString(name)) == nil else {
                throw .invalidHead("\(name) is there twice")
            }
        }
        self.files = files
    }

    /// One entry of the head.
    /// - Parameters:
    ///   - begin: the offset of the first byte behind the head.
    ///   - end: the offset behind the last byte.
    private static func file(_ entry: JSONValue, from begin: Int, to end: Int) throws(Damage) -> (String, File) {
        guard let name = entry["name"]?.stringValue, let type = entry["type"]?.stringValue,
            let tag = entry["tag"]?.stringValue
        else { throw .invalidHead("a file has no name, type or tag") }
        var file = File(type: type, tag: tag, isFramed: name.hasPrefix("page/") && name.hasSuffix(".html"))
        for coding in Coding.allCases {
            guard let place = entry[coding.rawValue] else { continue }
            guard let offset = place.arrayValue?.first?.integerValue, let length = place.arrayValue?.last?.integerValue,
                place.arrayValue?.count == 2, (0...Int64(end - begin)).contains(offset),
                (0...Int64(end - begin) - offset).contains(length)
            else { throw .invalidHead("\(name) has no valid place for \(coding.rawValue)") }
            file.places[coding] = begin + Int(offset)..<begin + Int(offset + length)
        }
        guard file.places[.identity] != nil || file.places[.gzip] != nil else {
            throw .invalidHead("\(name) has no bytes")
        }
        return (name, file)
    }

    /// The largest file in bytes, as a bound of the decompression.
    private static let fileLimit = 16 << 20

    /// The content of a file in one of its stored forms, or the file itself, which is decompressed if only its gzip form is stored.
    /// - Complexity: O(bytes): one copy, so that the pack itself is never held in memory.
    func content(of file: File, _ coding: Coding) -> ByteBuffer {
        if let place = file.places[coding] { return bytes(place) }
        guard coding == .identity, let place = file.places[.gzip] else { return ByteBuffer() }
        let compressed = Array(bytes(place).readableBytesView)
        return ByteBuffer(bytes: (try? ContentCoding.decode(compressed, [.gzip], upTo: Self.fileLimit)) ?? [])
    }

    /// The pack of this build; nil if the build has none.
    static func embedded() throws(Damage) -> PagePack? {
        let count = martlet_page_size()
        guard count > 0 else { return nil }
        return try PagePack(count: count) { range in
            // The array is constant and lives as long as the process.
            ByteBuffer(bytes: UnsafeRawBufferPointer(start: martlet_page_bytes(), count: count)[range])
        }
    }
}

extension ServerConfiguration {
    /// Whether `/` is the chat page: it is switched on, and this build has it.
    package var offersPage: Bool { servesPage && martlet_page_size() > 0 }
}
