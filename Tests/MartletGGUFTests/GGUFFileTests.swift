import Foundation
import MartletGGUF
import MartletPlatform
import Testing

@Suite struct GGUFFileTests {
    /// Runs `body` with a folder that contains `files`.
    private func withFiles(_ files: [String: [UInt8]], _ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, bytes) in files { try Data(bytes).write(to: folder.appending(path: name)) }
        try body(folder.path)
    }

    private func part(_ number: UInt16, of count: UInt16) -> [UInt8] {
        var sample = GGUFSample()
        sample.metadata += [
            GGUFSample.pair("split.count", kind: 2, GGUFSample.number(count)),
            GGUFSample.pair("split.no", kind: 2, GGUFSample.number(number)),
        ]
        return sample.bytes
    }

    private func message(_ path: String) -> String {
        do {
            _ = try GGUFFile.check(path)
            return "accepted"
        } catch {
            return error.description
        }
    }

    @Test func everyPartOfASplitModelIsChecked() throws {
        let first = part(0, of: 2)
        try withFiles(["m-00001-of-00002.gguf": first, "m-00002-of-00002.gguf": part(1, of: 2)]) { folder in
            #expect(message(folder + "/m-00001-of-00002.gguf") == "accepted")
            #expect(message(folder + "/m-00002-of-00002.gguf").contains("is part 2 of a model in 2 files"))
        }
        try withFiles(["m-00001-of-00002.gguf": first, "other.gguf": first]) { folder in
            #expect(message(folder + "/m-00001-of-00002.gguf").contains("m-00002-of-00002.gguf is not there"))
            #expect(message(folder + "/other.gguf").contains("must end in -00001-of-00002.gguf"))
        }
        let cut = Array(part(1, of: 2).dropLast())
        try withFiles(["m-00001-of-00002.gguf": first, "m-00002-of-00002.gguf": cut]) { folder in
            #expect(message(folder + "/m-00001-of-00002.gguf").contains("m-00002-of-00002.gguf is cut off"))
        }
    }

    @Test func whatIsNoFileIsNamed() throws {
        #expect(message("/nowhere/x.gguf") == "is not there")
        #expect(message("/tmp") == "is a folder, not a GGUF file")
    }

    /// A plain `open` of a FIFO would wait for a writer.
    @Test func whatCouldBlockTheCallForEverIsNoFile() throws {
        try withFiles([:]) { folder in
            #expect(mkfifo(folder + "/fifo", 0o600) == 0)
            #expect(message(folder + "/fifo") == "is not a file")
            #expect(message("/dev/null") == "is not a file")
            #expect(message("/dev/zero") == "is not a file")
            symlink(folder + "/fifo", folder + "/link")
            #expect(message(folder + "/link") == "is not a file")
            symlink(folder + "/loop", folder + "/loop")
            #expect(message(folder + "/loop").hasPrefix("cannot be read: "))
        }
    }
}
