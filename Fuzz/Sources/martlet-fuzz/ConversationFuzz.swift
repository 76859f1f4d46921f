import MartletFiles
import MartletGenerations
import MartletJSON

/// For any bytes of a conversation's file, the valid lines are a beginning that reads alike without the rest, and a
/// change of it is read back.
enum ConversationFuzz {
    /// The first byte decides whether the other bytes are a whole file, or lines that get valid checksums behind a state.
    static func run(_ input: [UInt8]) -> CInt {
        guard let first = input.first else { return CorpusDecision.reject }
        let bytes = first & 1 == 0 ? Array(input.dropFirst()) : framed(input.dropFirst())
        guard var file = ConversationFile(bytes) else { return CorpusDecision.accept }
        precondition(file.byteCount <= bytes.count)
        let valid = Array(bytes[..<file.byteCount])
        precondition(ConversationFile(valid)?.conversation == file.conversation, "the rest made a difference")
        for change: ConversationChange in [
            .add([["id": "added"]], response: nil), .metadata(["k": "v"]), .remove(itemID: "added"),
        ] {
            let before = Array(bytes[..<min(bytes.count, file.byteCount)])
            guard let update = file.update(change) else { continue }
            guard case .append(let line) = update else {
                precondition(ConversationFile(update.bytes) == file, "a rewritten file has another conversation")
                break
            }
            precondition(ConversationFile(before + line)?.conversation == file.conversation, "a change was lost")
            break
        }
        return CorpusDecision.accept
    }

    private static func framed(_ input: ArraySlice<UInt8>) -> [UInt8] {
        let state = #"{"version":2,"id":"a","owner":"o","created":1,"metadata":{},"responses":[],"items":[]}"#
        let lines = [Array(state.utf8)] + input.split(separator: UInt8(ascii: "\n")).map { Array($0) }
        var file: [UInt8] = []
        for line in lines {
            let digits = String(CRC32C.of(line[...]), radix: 16)
            file += Array("\(String(repeating: "0", count: 8 - digits.count))\(digits) ".utf8)
            file += line
            file.append(UInt8(ascii: "\n"))
        }
        return file
    }
}
