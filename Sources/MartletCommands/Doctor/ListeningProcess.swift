import MartletFiles
import MartletModels
import MartletPlatform

/// A process that listens on a TCP port of this machine.
struct ListeningProcess: Sendable, Equatable {
    var id: Int
    /// The words of its command line with blanks between them.
    var command: String

    /// The process that listens on a port.
    /// - Returns: `nil` if there is none, its user is another one, or the system is not Linux.
    /// - Complexity: one reading of each descriptor of this user's processes.
    static func find(port: Int) -> ListeningProcess? {
        var inodes: Set<UInt64> = []
        for name in ["tcp", "tcp6"] {
            guard let table = try? SmallFile.text("/proc/self/net/\(name)", for: "the ports") else { continue }
            inodes.formUnion(Self.inodes(listeningOn: port, in: table))
        }
        guard !inodes.isEmpty else { return nil }
        let links = Set(inodes.map { "socket:[\($0)]" })
        for entry in (try? FileListing.entries(of: "/proc")) ?? [] {
            guard let id = Int(entry.name) else { continue }
            let folder = "/proc/\(id)/fd"
            let descriptors = (try? FileListing.entries(of: folder)) ?? []
            guard descriptors.contains(where: { links.contains(target(of: "\(folder)/\($0.name)")) }) else { continue }
            return ListeningProcess(id: id, command: command(id))
        }
        return nil
    }

    /// The inodes of the sockets that listen on a port, from the text of `/proc/net/tcp` or `/proc/net/tcp6`.
    ///
    /// Example: the line `0: 0100007F:1F90 00000000:0000 0A … 12345 …` has the port 0x1F90 = 8080, the state 0A =
    /// listening, and the inode 12345 in its tenth field. Other lines are left out. Source: proc_pid_net(5).
    static func inodes(listeningOn port: Int, in table: String) -> Set<UInt64> {
        var inodes: Set<UInt64> = []
        for line in table.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 9, fields[3] == "0A", let colon = fields[1].lastIndex(of: ":"),
                Int(fields[1][fields[1].index(after: colon)...], radix: 16) == port, let inode = UInt64(fields[9])
            else { continue }
            inodes.insert(inode)
        }
        return inodes
    }

    /// The target of a symbolic link; empty if it cannot be read.
    private static func target(of path: String) -> String {
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { readlink(path, $0, bytes.count) } ?? 0
        }
        return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : ""
    }

    /// The command line of a process; empty if it cannot be read.
    private static func command(_ id: Int) -> String {
        guard let bytes = try? SmallFile.bytes("/proc/\(id)/cmdline", for: "the command") else { return "" }
        let words = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        return words.joined(separator: " ")
    }
}
