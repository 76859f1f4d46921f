#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// Reads files that a user names and that are small by nature.
enum SmallFile {
    /// Most bytes of a file.
    static let maximumByteCount = 16 << 20

    /// - Parameter subject: Flag or argument that named the file, for the error.
    static func text(_ path: String, for subject: String) throws(SettingError) -> String {
        let bytes = try bytes(path, for: subject)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw SettingError("\(subject): \(path) is not UTF-8 text")
        }
        return text
    }

    /// Whether a file begins with these bytes.
    static func begins(_ path: String, with start: [UInt8], for subject: String) throws(SettingError) -> Bool {
        do {
            let descriptor = try FileDescriptor.open(FilePath(path), .readOnly)
            let bytes = try descriptor.closeAfter {
                try [UInt8](unsafeUninitializedCapacity: start.count) { buffer, count in
                    count = try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
                }
            }
            return bytes == start
        } catch {
            throw SettingError("\(subject): cannot read \(path): \(error)")
        }
    }

    static func bytes(_ path: String, for subject: String) throws(SettingError) -> [UInt8] {
        do {
            let descriptor = try FileDescriptor.open(FilePath(path), .readOnly)
            return try descriptor.closeAfter {
                var bytes: [UInt8] = []
                while bytes.count <= maximumByteCount {
                    let chunk = try [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
                        count = try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
                    }
                    if chunk.isEmpty { return bytes }
                    bytes += chunk
                }
                throw SettingError("\(subject): \(path) is larger than \(maximumByteCount >> 20) MiB")
            }
        } catch let error as SettingError {
            throw error
        } catch {
            throw SettingError("\(subject): cannot read \(path): \(error)")
        }
    }
}
