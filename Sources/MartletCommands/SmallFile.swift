import MartletFiles

/// Reads files that a user names and that are small by nature. A pipe is read too: a shell's `<(command)` is a pipe.
enum SmallFile {
    /// Most bytes of a file.
    static let maximumByteCount = 16 << 20
    /// How long a pipe may stay silent.
    static let timeout: Duration = .seconds(5)

    /// - Parameter subject: Flag or argument that named the file, for the error.
    static func text(_ path: String, for subject: String) throws(SettingError) -> String {
        let bytes = try bytes(path, for: subject)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw SettingError("\(subject): \(path) is not UTF-8 text")
        }
        return text
    }

    /// Whether a file begins with these bytes. The bytes of a pipe are left in it.
    static func begins(_ path: String, with start: [UInt8], for subject: String) throws(SettingError) -> Bool {
        do throws(FileError) {
            let file = try OpenFile(path)
            guard file.kind == .file else { return false }
            return try file.read(at: 0, count: start.count) == start
        } catch {
            throw SettingError("\(subject): cannot read \(path): \(error)")
        }
    }

    static func bytes(_ path: String, for subject: String) throws(SettingError) -> [UInt8] {
        do throws(FileError) {
            let file = try OpenFile(path)
            return try file.read(upTo: maximumByteCount, timeout: timeout)
        } catch {
            throw SettingError("\(subject): cannot read \(path): \(error)")
        }
    }
}
