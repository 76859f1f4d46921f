import MartletFiles

/// Reads small files that a user names, up to 16 MiB. Pipes are allowed: `<(command)` of a shell is a pipe.
enum SmallFile {
    /// The maximum size of a file in bytes.
    static let maximumByteCount = 16 << 20
    /// The maximum time without data from a pipe.
    static let timeout: Duration = .seconds(5)

    /// The content of a file as text.
    /// - Parameter subject: The flag or argument that names the file, for the error.
    /// - Throws: If the file cannot be read, is too large, or is not UTF-8.
    static func text(_ path: String, for subject: String) throws(SettingError) -> String {
        let bytes = try bytes(path, for: subject)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw SettingError("\(subject): \(path) is not UTF-8 text")
        }
        return text
    }

    /// Whether a file begins with these bytes. The result for a pipe is `false`, and its bytes stay in it.
    static func begins(_ path: String, with start: [UInt8], for subject: String) throws(SettingError) -> Bool {
        do throws(FileError) {
            let file = try OpenFile(path)
            guard file.kind == .file else { return false }
            return try file.read(at: 0, count: start.count) == start
        } catch {
            throw SettingError("\(subject): cannot read \(path): \(error)")
        }
    }

    /// The whole lines at the end of a file, at most `limit` bytes. A file of any size is accepted.
    static func end(of path: String, upTo limit: Int, for subject: String) throws(SettingError) -> [UInt8] {
        do throws(FileError) {
            let file = try OpenFile.regular(path)
            guard file.byteCount > limit else { return try file.read(at: 0, count: limit) }
            let bytes = try file.read(at: file.byteCount - limit, count: limit)
            // The first line may be cut.
            return Array(bytes.drop { $0 != UInt8(ascii: "\n") })
        } catch {
            throw SettingError("\(subject): cannot read \(path): \(error)")
        }
    }

    /// The content of a file.
    /// - Throws: If the file cannot be read or is too large, or a pipe is silent for longer than ``timeout``.
    static func bytes(_ path: String, for subject: String) throws(SettingError) -> [UInt8] {
        do throws(FileError) {
            let file = try OpenFile(path)
            return try file.read(upTo: maximumByteCount, timeout: timeout)
        } catch {
            throw SettingError("\(subject): cannot read \(path): \(error)")
        }
    }
}
