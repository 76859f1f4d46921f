/// The folder of a disk tier and the limit of its size: the value of `--cache-disk`.
///
/// Example: `/var/cache/martlet:40G` is a folder and 40 GiB; `/var/cache/martlet` has the default limit.
package struct DiskCacheSettings: Sendable, Equatable {
    /// 16 GiB: two to three conversations of 128,000 tokens of a model of 8 billion parameters.
    package static let defaultByteLimit = 16 << 30

    package var folder: String
    /// The largest number of bytes of all entries in the folder, those of other models included.
    package var byteLimit: Int

    package init(folder: String, byteLimit: Int = defaultByteLimit) {
        self.folder = folder
        self.byteLimit = byteLimit
    }

    /// Parses `PATH` or `PATH:SIZE`. A size is a number with `K`, `M`, `G` or `T` for powers of 1,024 bytes.
    ///
    /// A path whose last part ends with a colon and a size needs an explicit size behind it.
    ///
    /// - Returns: `nil` if the path is empty or the size is zero or too large.
    package init?(parsing text: String) {
        guard let colon = text.lastIndex(of: ":"), let size = Self.byteCount(text[text.index(after: colon)...]) else {
            guard !text.isEmpty else { return nil }
            self.init(folder: text)
            return
        }
        guard size > 0, colon != text.startIndex else { return nil }
        self.init(folder: String(text[..<colon]), byteLimit: size)
    }

    /// The number of bytes of a size; `nil` if the text is none, 0 if it is too large.
    private static func byteCount(_ text: Substring) -> Int? {
        let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard !digits.isEmpty else { return nil }
        let shifts = ["": 0, "K": 10, "M": 20, "G": 30, "T": 40]
        guard let shift = shifts[text.dropFirst(digits.count).uppercased()] else { return nil }
        guard let number = Int(Substring(digits)), number <= Int.max >> shift else { return 0 }
        return number << shift
    }
}
