import Foundation
import MartletFiles
import MartletPlatform
import Testing

@testable import MartletStateFiles

/// The folder has whole files only, and the order of their use.
@Suite struct StateFolderTests {
    private func withFolder(_ body: (StateFolder) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "states-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(StateFolder(path: path))
    }

    private var fingerprint: StateFingerprint { get throws { try #require(StateFileTests.fingerprint) } }

    private func mode(of path: String) -> UInt32? {
        var status = stat()
        return lstat(path, &status) == 0 ? UInt32(status.st_mode) & 0o777 : nil
    }

    @Test func anEntryIsReadableForItsOwnerOnly() throws {
        try withFolder { folder in
            #expect(mode(of: folder.path) == 0o700)
            let name = StateFileName(try fingerprint, number: 1)
            let count = try StateFolder.write(
                StateFileTests.stored, fingerprint: fingerprint, to: folder.path(of: name))
            #expect(mode(of: folder.path(of: name)) == 0o600)
            let read = try StateFolder.state(of: folder.path(of: name), fingerprint: fingerprint)
            #expect(read.stored == StateFileTests.stored)
            #expect(read.byteCount == count)
            #expect(try folder.entries().entries.map(\.name) == [name])
            #expect(try folder.entries().temporary.isEmpty)
        }
    }

    @Test func aFailedWriteLeavesNoFile() throws {
        try withFolder { folder in
            // A folder has the name of the file.
            let path = folder.path(of: StateFileName(try fingerprint, number: 1))
            #expect(mkdir(path, 0o700) == 0)
            #expect(throws: FileError.self) {
                try StateFolder.write(StateFileTests.stored, fingerprint: fingerprint, to: path)
            }
            #expect(try folder.entries().temporary.isEmpty)
        }
    }

    @Test func entriesAreInTheOrderOfTheirUse() throws {
        try withFolder { folder in
            let names = try (1...3).map { StateFileName(try fingerprint, number: UInt64($0)) }
            for (index, name) in names.enumerated() {
                _ = try StateFolder.write(
                    StateFileTests.stored, fingerprint: fingerprint, to: folder.path(of: name))
                var times = (timespec(), timespec())
                times.0.tv_sec = 1_000 + index
                times.1.tv_sec = 1_000 + index
                withUnsafeBytes(of: &times) {
                    _ = utimensat(AT_FDCWD, folder.path(of: name), $0.bindMemory(to: timespec.self).baseAddress, 0)
                }
            }
            StateFolder.touch(folder.path(of: names[0]))
            #expect(try folder.entries().entries.map(\.name) == [names[1], names[2], names[0]])
        }
    }

    @Test func foreignFilesAndLinksAreNotEntries() throws {
        try withFolder { folder in
            let path = folder.path(of: StateFileName(try fingerprint, number: 1))
            #expect(symlink("/etc/hostname", path) == 0)
            _ = try OpenFile.regular("\(folder.path)/notes.txt", for: .creating)
            #expect(try folder.entries().entries.isEmpty)
            #expect(throws: StateFileError.self) { try StateFolder.state(of: path) }
        }
    }

    @Test func onlyAbandonedTemporaryFilesAreRemoved() throws {
        try withFolder { folder in
            let path = folder.path(of: StateFileName(try fingerprint, number: 1)) + ".tmp"
            _ = try OpenFile.regular(path, for: .creating)
            let names = try folder.entries().temporary
            #expect(names.count == 1)
            folder.removeAbandoned(names)
            #expect(mode(of: path) != nil)
            folder.removeAbandoned(names, age: 0)
            #expect(mode(of: path) == nil)
        }
    }

    @Test func aFileIsNoFolder() throws {
        try withFolder { folder in
            _ = try OpenFile.regular("\(folder.path)/notes.txt", for: .creating)
            #expect(throws: FileError("it is a file, not a folder")) {
                try StateFolder(path: "\(folder.path)/notes.txt")
            }
        }
    }

    @Test func aFlagNamesAFolderAndALimit() {
        func settings(_ text: String) -> DiskCacheSettings? { DiskCacheSettings(parsing: text) }
        #expect(settings("/a/b") == DiskCacheSettings(folder: "/a/b"))
        #expect(settings("/a/b:20G") == DiskCacheSettings(folder: "/a/b", byteLimit: 20 << 30))
        #expect(settings("/a/b:512m") == DiskCacheSettings(folder: "/a/b", byteLimit: 512 << 20))
        #expect(settings("/a/b:4096") == DiskCacheSettings(folder: "/a/b", byteLimit: 4_096))
        #expect(settings("/a:b/c") == DiskCacheSettings(folder: "/a:b/c"))
        #expect(settings("/a:1G:2T") == DiskCacheSettings(folder: "/a:1G", byteLimit: 2 << 40))
        #expect(settings("") == nil)
        #expect(settings("/a:0") == nil)
        #expect(settings("/a:99999999999T") == nil)
        #expect(settings(":4G") == nil)
    }
}
