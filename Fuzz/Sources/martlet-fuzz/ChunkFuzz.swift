import MartletAPI

/// The announced sizes of a chunked body are bounded as a second program bounds them, however the body is cut.
enum ChunkFuzz {
    /// The end of a scan.
    private enum Outcome: Equatable {
        case accepted
        case tooLarge
        case extensionsTooLong
    }

    /// The first three bytes choose the limits and the lengths of the pieces; the rest is the body.
    static func run(_ input: [UInt8]) -> CInt {
        guard input.count >= 3 else { return CorpusDecision.reject }
        let byteLimit = input[0] == 255 ? Int.max : Int(input[0])
        let extensionLimit = Int(input[1] & 15)
        let body = input[3...]
        let expected = model(Array(body), byteLimit: byteLimit, extensionLimit: extensionLimit)
        for length in [1, Int(input[2]) + 1, body.count + 1] {
            let outcome = scan(body, in: length, byteLimit: byteLimit, extensionLimit: extensionLimit)
            precondition(outcome == expected, "pieces of \(length) bytes end with \(outcome) instead of \(expected)")
        }
        return CorpusDecision.accept
    }

    private static func scan(
        _ body: ArraySlice<UInt8>, in length: Int, byteLimit: Int, extensionLimit: Int
    ) -> Outcome {
        var sizes = ChunkSizes(byteLimit: byteLimit, extensionLimit: extensionLimit)
        var rest = body
        do throws(APIError) {
            while !rest.isEmpty {
                try sizes.read(rest.prefix(length))
                rest = rest.dropFirst(length)
            }
        } catch {
            precondition((400..<500).contains(error.status), "a body of a client is the server's fault")
            return error.fault == .tooLarge ? .tooLarge : .extensionsTooLong
        }
        return .accepted
    }

    /// Reads the body chunk by chunk, with all of it at hand (RFC 9112, 7.1).
    private static func model(_ body: [UInt8], byteLimit: Int, extensionLimit: Int) -> Outcome {
        let limit = min(byteLimit, 1 << 59)
        var (index, total, extensionCount) = (0, 0, 0)
        while true {
            var size = 0
            while index < body.count, let digit = Character(UnicodeScalar(body[index])).hexDigitValue {
                // Larger sizes are as forbidden as this one.
                size = min(size, 1 << 58) * 16 + digit
                index += 1
            }
            guard index < body.count else { return .accepted }
            guard size <= limit - total else { return .tooLarge }
            total += size
            // The first byte behind the digits ends them; the others, without the line's end, are the extension.
            var isFirst = true
            while body[index] != UInt8(ascii: "\n") {
                if !isFirst, body[index] != UInt8(ascii: "\r") { extensionCount += 1 }
                guard extensionCount <= extensionLimit else { return .extensionsTooLong }
                isFirst = false
                index += 1
                guard index < body.count else { return .accepted }
            }
            index += 1
            // The last chunk has size 0. Trailer fields follow it.
            guard size > 0, size + 2 < body.count - index else { return .accepted }
            index += size + 2
        }
    }
}
