import MartletStreams
import Testing

@testable import MartletAPI

@Suite struct ChunkSizesTests {
    /// Reads `text` in pieces of `length` bytes.
    private func read(_ text: String, in length: Int, limit: Int = 10, extensionLimit: Int = 8) throws(APIError) {
        var sizes = ChunkSizes(byteLimit: limit, extensionLimit: extensionLimit)
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            try sizes.read(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
    }

    @Test(arguments: [
        "a\r\n0123456789\r\n0\r\n\r\n", "5\r\n01234\r\n05\r\n56789\r\n0\r\n\r\n", "000000000000000000000000A\r\n",
        "1;x=1\r\nF\r\n1;y=\"2\"\r\nF\r\n0\r\n\r\n", "0\r\nFFFF: trailer\r\n\r\nFFFF\r\n",
        "a\r\nFFFFFFFFF\n\r\n0\r\n\r\n",
    ])
    func bodiesWithinTheLimitsPass(text: String) throws {
        for length in 1...text.utf8.count { try read(text, in: length) }
    }

    @Test(
        arguments: [
            ("b\r\n", .tooLarge), ("FFFFFFFFFFFFFFFF\r\n", .tooLarge), ("7FFFFFFFFFFFFFFF;", .tooLarge),
            ("5\r\n01234\r\n6\r\n", .tooLarge), ("10000000000000000000000000000000\r\n", .tooLarge),
            ("0;123456789", nil), ("1;1234\r\nF\r\n1;12345\r\n", nil),
        ] as [(String, APIError.HTTPFault?)])
    func bodiesBeyondTheLimitsAreRefused(text: String, fault: APIError.HTTPFault?) {
        for length in 1...text.utf8.count {
            let error = #expect(throws: APIError.self) { try read(text, in: length) }
            #expect(error?.fault == fault)
            #expect(error?.kind == .invalidRequest)
        }
    }

    @Test func aLimitAsLargeAsAnIntegerDoesNotOverflow() throws {
        var sizes = ChunkSizes(byteLimit: .max, extensionLimit: 0)
        #expect(throws: APIError.self) { try sizes.read(Array("FFFFFFFFFFFFFFFFFFFFFFFF\r\n".utf8)) }
    }
}
