import MartletPlatform
import Testing

@testable import MartletFiles

/// No kind of file blocks the call that opens it.
@Suite(.timeLimit(.minutes(15))) struct OpenFileTests {
    /// A folder that is removed after the test.
    private final class Place: Sendable {
        let path: String

        init() {
            var template = Array("/tmp/martlet-files-XXXXXX".utf8CString)
            mkdtemp(&template)
            path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }

        deinit {
            for name in ["file", "link", "nowhere", "pipe", "folder", "socket"] {
                let file = "\(path)/\(name)"
                if unlink(file) != 0 { rmdir(file) }
            }
            rmdir(path)
        }

        func write(_ bytes: [UInt8], to name: String = "file") throws {
            try OpenFile.regular("\(path)/\(name)", for: .replacing).append(bytes)
        }
    }

    private let place = Place()

    private func error(_ name: String, followsLinks: Bool = true) -> String? {
        do throws(FileError) {
            _ = try OpenFile.regular("\(place.path)/\(name)", followsLinks: followsLinks)
            return nil
        } catch {
            return error.description
        }
    }

    private func bind(_ name: String) throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = "\(place.path)/\(name)"
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        #if canImport(Glibc)
            let kind = Int32(SOCK_STREAM.rawValue)
        #else
            let kind = SOCK_STREAM
        #endif
        let descriptor = socket(AF_UNIX, kind, 0)
        defer { close(descriptor) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Self.bind(descriptor, $0)
            }
        }
        try #require(result == 0)
    }

    private static func bind(_ descriptor: Int32, _ address: UnsafePointer<sockaddr>) -> Int32 {
        #if canImport(Glibc)
            Glibc.bind(descriptor, address, socklen_t(MemoryLayout<sockaddr_un>.size))
        #else
            Darwin.bind(descriptor, address, socklen_t(MemoryLayout<sockaddr_un>.size))
        #endif
    }

    @Test func otherKindsAreNamedAtOnce() throws {
        try place.write([1])
        mkfifo("\(place.path)/pipe", 0o600)
        mkdir("\(place.path)/folder", 0o700)
        symlink("\(place.path)/gone", "\(place.path)/nowhere")
        symlink("\(place.path)/file", "\(place.path)/link")
        try bind("socket")
        #expect(error("file") == nil)
        #expect(error("link") == nil)
        #expect(error("link", followsLinks: false)?.contains("symbolic link") == true)
        #expect(error("pipe") == "it is a pipe, not a file")
        #expect(error("folder") == "it is a folder, not a file")
        #expect(error("nowhere")?.contains("No such file") == true)
        #expect(error("nowhere", followsLinks: false)?.contains("symbolic link") == true)
        #expect(error("socket")?.contains("a socket") == true)
        #expect(error("../../dev/null") == "it is a device, not a file")
        #expect(error("gone")?.contains("No such file") == true)
    }

    @Test func otherKindsAreNotWrittenTo() {
        mkfifo("\(place.path)/pipe", 0o600)
        for purpose in [OpenFile.Purpose.appending, .appendingOrCreating, .replacing, .updating] {
            #expect(throws: FileError.self) { _ = try OpenFile.regular("\(place.path)/pipe", for: purpose) }
        }
    }

    @Test func systemStateIsNoPermanentError() {
        for code in [ELOOP, ENXIO, EACCES] { #expect(FileError(code: code).isPermanent) }
        for code in [EMFILE, ENFILE, EIO, ENOMEM, ENOENT] { #expect(!FileError(code: code).isPermanent) }
        #expect(FileError(code: ENOENT).isNotFound)
        #expect(!FileError(code: EACCES).isNotFound)
    }

    @Test func bytesAreReadWhereTheyAre() throws {
        let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        try place.write(bytes)
        let file = try OpenFile.regular("\(place.path)/file")
        #expect(file.byteCount == bytes.count)
        #expect(try file.read(at: 100_000, count: 5) == Array(bytes[100_000..<100_005]))
        #expect(try file.read(at: 199_998, count: 5) == Array(bytes.suffix(2)))
        #expect(try file.read(at: 300_000, count: 5).isEmpty)
        #expect(try file.read(upTo: bytes.count, timeout: .zero) == bytes)
        #expect(throws: FileError.self) { try OpenFile.bytes(of: place.path + "/file", upTo: bytes.count - 1) }
        #expect(try OpenFile.bytes(of: place.path + "/file", upTo: bytes.count) == bytes)
    }

    /// A shell makes such a pipe of `<(command)`.
    @Test func aPipeIsReadToItsEnd() async throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let (reading, writing) = (ends[0], ends[1])
        defer { close(reading) }
        let bytes = [UInt8](repeating: 7, count: 300_000)
        async let written: Void = OpenFileTests.fill(writing, with: bytes)
        let file = try OpenFile("/dev/fd/\(reading)")
        #expect(file.kind == .pipe)
        #expect(try file.read(upTo: 1 << 20, timeout: .seconds(50)) == bytes)
        await written
    }

    @concurrent private static func fill(_ descriptor: Int32, with bytes: [UInt8]) async {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, min($0.count, 65_536)) }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        close(descriptor)
    }

    @Test func aPipeWithoutWriterTimesOut() throws {
        mkfifo("\(place.path)/pipe", 0o600)
        let file = try OpenFile("\(place.path)/pipe")
        #expect {
            try file.read(upTo: 10, timeout: .milliseconds(1))
        } throws: { error in
            "\(error)".contains("nothing comes out of a pipe")
        }
    }

    @Test func endlessDevicesAreRefused() throws {
        let file = try OpenFile("/dev/zero")
        #expect(throws: FileError("it has more than 1000000 bytes")) {
            try file.read(upTo: 1_000_000, timeout: .seconds(50))
        }
    }
}
