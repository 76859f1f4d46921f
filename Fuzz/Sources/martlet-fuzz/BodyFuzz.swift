import MartletAPI

/// The body of a request is decoded within its limit, or refused as the client's fault.
enum BodyFuzz {
    private static let limit = 1 << 16
    private static let names = ["gzip", "deflate", "identity", "x-gzip", "br"]

    /// The first byte chooses the codings of the body: their number, and the first one in the list.
    static func run(_ input: [UInt8]) -> CInt {
        guard let first = input.first else { return CorpusDecision.reject }
        let fields = (0..<Int(first & 3)).map { names[(Int(first >> 2) + $0) % names.count] }
        do throws(APIError) {
            let codings = try ContentCoding.list(fields)
            let body = try ContentCoding.decode(Array(input.dropFirst()), codings, upTo: limit)
            precondition(codings.isEmpty || body.count <= limit, "a body beyond the limit")
        } catch {
            precondition((400..<500).contains(error.status), "a damaged body is not the client's mistake")
        }
        return CorpusDecision.accept
    }
}
