import MartletJSON
import MartletPlatform
import Testing

/// The folder with templates of many models and their prompts by Python's Jinja. It lies next to the project, not in
/// it. Without the folder the tests that need it are skipped.
enum TemplateFolder {
    static let path: String = {
        let file = #filePath
        let root = file.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        return root + "/../shared/chat-templates"
    }()

    static let isThere = read(path + "/cases.json") != nil

    static func read(_ path: String) -> [UInt8]? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
        return bytes
    }

    static func json(_ name: String) throws -> JSONValue { try JSONParser.parse(read("\(path)/\(name)") ?? []) }

    static func source(_ name: String) -> String {
        String(decoding: read("\(path)/templates/\(name).jinja") ?? [], as: UTF8.self)
    }

    static func names() throws -> [String] {
        let directory = try #require(opendir(path + "/templates"))
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".jinja") { names.append(String(name.dropLast(6))) }
        }
        return names.sorted()
    }
}
