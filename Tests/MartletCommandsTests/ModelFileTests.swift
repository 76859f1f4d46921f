import MartletPlatform
import Testing

@testable import MartletCommands

@Suite struct ModelFileTests {
    private static let fledgling =
        #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } + "/Models/fledgling.Q8_0.gguf"

    /// A folder that is gone after `body`.
    private func withFolder(_ body: (FilePath) throws -> Void) throws {
        var template = Array("/tmp/martlet-commands-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
        let folder = FilePath(String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
        try body(folder)
        for name in ["model.gguf", "share/martlet/fledgling.Q8_0.gguf", "Models/fledgling.Q8_0.gguf"] {
            unlink(folder.string + "/" + name)
        }
        for name in ["share/martlet", "share", "Models", ""] { rmdir(folder.string + "/" + name) }
    }

    private func write(_ text: String, to file: FilePath) throws {
        let descriptor = try FileDescriptor.open(file, .writeOnly, options: [.create], permissions: .ownerReadWrite)
        try descriptor.closeAfter { _ = try descriptor.writeAll(text.utf8) }
    }

    private func message(_ path: FilePath) -> String {
        do {
            return try ModelFile(named: path.string, executable: nil).name
        } catch {
            return error.description
        }
    }

    @Test func aFileIsNamedByItsStemAndCheckedByItsBeginning() throws {
        try withFolder { folder in
            let file = folder.appending("model.gguf")
            #expect(message(file) == "--model: \(file) is not there")
            #expect(message(folder) == "--model: \(folder) is a folder, not a GGUF file")
            try write("GG", to: file)
            #expect(message(file) == "--model: \(file) is not a GGUF file")
            unlink(file.string)
            symlink(Self.fledgling, file.string)
            #expect(message(file) == "model")
        }
    }

    @Test func theModelThatComesAlongIsFoundInACheckoutAndInAnInstallation() throws {
        for folderName in ["share/martlet", "Models"] {
            try withFolder { folder in
                mkdir(folder.string + "/share", 0o700)
                mkdir(folder.string + "/share/martlet", 0o700)
                mkdir(folder.string + "/Models", 0o700)
                let executable = folder.appending("bin").appending("martlet")
                #expect(throws: SettingError.self) { try ModelFile(named: nil, executable: executable) }
                symlink(Self.fledgling, folder.string + "/" + folderName + "/fledgling.Q8_0.gguf")
                let model = try ModelFile(named: nil, executable: executable)
                #expect(model.isEmbedded)
                #expect(model.name == "fledgling")
            }
        }
    }
}
