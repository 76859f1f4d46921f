import MartletChat
import MartletGenerations
import MartletProtocol
import MartletStreams

/// For any bytes of a journal, the valid records are a beginning that decodes alike without the rest.
enum JournalFuzz {
    /// The first byte decides whether the other bytes are a whole file, payloads of the current or an older version
    /// that get a valid header and checksum, or a description of a view or an output parser.
    static func run(_ input: [UInt8]) -> CInt {
        guard let first = input.first else { return CorpusDecision.reject }
        if first & 4 != 0 { return describe(Array(input.dropFirst())) }
        let bytes = first & 1 == 0 ? Array(input.dropFirst()) : framed(input.dropFirst(), isOld: first & 2 != 0)
        guard let result = try? JournalReader.read(JournalBytes(bytes)) else {
            preconditionFailure("memory can be read")
        }
        guard let generation = result.generation else {
            precondition(result.damage != nil, "nothing was read, and nobody says why")
            return CorpusDecision.accept
        }
        let again = try? JournalReader.read(JournalBytes(Array(bytes[..<generation.extent.byteCount])))
        precondition(again?.damage == nil, "what counts is damaged")
        precondition(again?.generation == generation, "the rest made a difference")
        precondition((result.damage == nil) == (generation.extent.byteCount == bytes.count))
        _ = generation.continuations(handle: .init(rawValue: 1))
        for _ in generation.numberedInputs {}
        return CorpusDecision.accept
    }

    /// A description that can be read comes back unchanged, and its parser accepts any output.
    private static func describe(_ bytes: [UInt8]) -> CInt {
        let options = try? ResolvedOptions(bytes)
        if let options { precondition((try? ResolvedOptions(options.bytes)) == options, "the options changed") }
        guard let description = try? ParserDescription(bytes) else {
            return options == nil ? CorpusDecision.reject : CorpusDecision.accept
        }
        let again = try? ParserDescription(description.bytes)
        precondition(again == description, "the description changed")
        var parser = description.parser { PreparedChatFormat($0) }
        // The texts of the format are the output that its parser has most states for.
        let output = Array("<think>".utf8) + bytes + Array("</think><tool_call>{\"name\":\"f\"}".utf8) + bytes
        for start in stride(from: 0, to: output.count, by: 7) {
            parser?.append(output[start..<min(start + 7, output.count)]) { _ in }
        }
        parser?.finish { _ in }
        return CorpusDecision.accept
    }

    /// Each record: kind, length, payload.
    private static func framed(_ input: ArraySlice<UInt8>, isOld: Bool) -> [UInt8] {
        var bytes = isOld ? JournalFormat.version3Header : JournalFormat.header
        var rest = input
        var sequence: UInt32 = 0
        while let number = rest.popFirst(), let count = rest.popFirst() {
            let kinds = JournalFormat.Kind.allCases
            let payload = rest.prefix(Int(count) * 4)
            rest = rest.dropFirst(payload.count)
            JournalFormat.append(kinds[Int(number) % kinds.count], sequence: sequence, to: &bytes) { $0 += payload }
            sequence += 1
        }
        return bytes
    }
}
