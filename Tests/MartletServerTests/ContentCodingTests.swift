import MartletAPI
import MartletJSON
import MartletStreams
import MartletTestSupport
import Testing

@testable import MartletServer

/// Compressed bodies.
@Suite struct ContentCodingTests {
    /// `{"content":"ab"}`
    private static let gzip: [UInt8] = [
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 74, 206, 207, 43, 73, 205, 43, 81, 178, 82, 74, 76, 82,
        170, 5, 0, 251, 217, 154, 147, 16, 0, 0, 0,
    ]
    private static let zlib: [UInt8] = [
        120, 218, 171, 86, 74, 206, 207, 43, 73, 205, 43, 81, 178, 82, 74, 76, 82, 170, 5, 0, 48, 190, 5,
        121,
    ]
    private static let deflate: [UInt8] = [
        171, 86, 74, 206, 207, 43, 73, 205, 43, 81, 178, 82, 74, 76, 82, 170, 5, 0,
    ]
    /// The same body in two gzip members.
    private static let members: [UInt8] = [
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 74, 206, 207, 43, 73, 5, 0, 85, 218, 114, 176, 7, 0, 0, 0,
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 203, 43, 81, 178, 82, 74, 76, 82, 170, 5, 0, 97, 101, 191, 93, 9, 0,
        0, 0,
    ]
    /// The gzip data, compressed once more by zlib.
    private static let twice: [UInt8] = [
        120, 218, 147, 239, 230, 96, 0, 1, 38, 230, 213, 97, 94, 231, 206, 107, 123, 158, 213, 14, 220, 20,
        228, 229, 19, 180, 138, 149, 225, 247, 205, 89, 147, 5, 128, 114, 0, 182, 163, 11, 9,
    ]
    private static let text = #"{"content":"ab"}"#

    private static func response(
        _ server: TestServer, _ codings: String, _ body: [UInt8]
    ) async throws -> (head: RawResponseHead, body: String) {
        let connection = try await server.connect()
        try await connection.send(
            Array(
                "POST /tokenize HTTP/1.1\r\nHost: localhost\r\n\(codings)\r\nContent-Length: \(body.count)\r\n\r\n".utf8
            )
                + body)
        let head = try await connection.readHead()
        let text = try await connection.readBody()
        try await connection.close()
        return (head, text)
    }

    @Test(arguments: [
        ("Content-Encoding: gzip", gzip), ("Content-Encoding: GZip", gzip), ("Content-Encoding: x-gzip", gzip),
        ("Content-Encoding: gzip", members), ("Content-Encoding: deflate", zlib),
        ("Content-Encoding: deflate", deflate), ("Content-Encoding: identity", Array(text.utf8)),
        ("Content-Encoding: identity, gzip", gzip), ("Content-Encoding: gzip, deflate", twice),
        ("Content-Encoding: gzip\r\nContent-Encoding: deflate", twice),
    ])
    func aBodyIsReadBehindItsCodings(codings: String, body: [UInt8]) async throws {
        try await TestServer.run { server async throws in
            let (head, decoded) = try await Self.response(server, codings, body)
            #expect(head.status == 200)
            #expect(decoded == #"{"tokens":[97,98]}"#)
        }
    }

    @Test(arguments: [
        ("br", "br"), ("zstd", "zstd"), ("gzip, br", "br"), ("compress", "compress"), ("", "\"\""),
        ("gzip;q=1", "gzip;q=1"),
        ("gzip, gzip, gzip, gzip", "3"),
    ])
    func otherCodingsAreRefusedByName(value: String, name: String) async throws {
        try await TestServer.run { server async throws in
            let (head, body) = try await Self.response(server, "Content-Encoding: \(value)", Self.gzip)
            #expect(head.status == 415 && head["accept-encoding"] == "gzip, deflate")
            let error = try json(body)["error"]
            #expect(error?["type"] == "unsupported_media_type_error")
            let message = error?["message"]?.stringValue ?? ""
            #expect(message.contains("'Content-Encoding'") && message.contains(name))
        }
    }

    private static let damaged: [(String, [UInt8])] = [
        ("gzip", Array(text.utf8)), ("gzip", Array(gzip.dropLast())), ("gzip", []), ("gzip", gzip + [1] as [UInt8]),
        ("gzip", zlib), ("deflate", Array(zlib.dropLast())), ("deflate", zlib + [1] as [UInt8]), ("deflate", gzip),
        ("gzip", gzip.dropLast(8) + [UInt8](repeating: 0, count: 8)),
    ]

    @Test(arguments: damaged)
    func bodiesThatBreakTheirCodingGet400(coding: String, body: [UInt8]) async throws {
        try await TestServer.run { server async throws in
            let (head, decoded) = try await Self.response(server, "Content-Encoding: \(coding)", body)
            #expect(head.status == 400)
            #expect(decoded.contains("is not valid \(coding)"))
        }
    }

    /// Decoded bytes count against the limit of a body, and decoding ends there.
    @Test func aBombEndsAtTheLimit() async throws {
        try await TestServer.run {
            $0.limits.bodyBytes = 100_000
        } body: { server async throws in
            let (head, body) = try await Self.response(server, "Content-Encoding: gzip", Self.bomb)
            #expect(head.status == 413)
            #expect(body.contains("at most 100000 bytes"))
        }
        #expect(throws: APIError.self) { try ContentCoding.decode(Self.bomb, [.gzip], upTo: 1_000) }
        #expect(try ContentCoding.decode(Self.bomb, [.gzip], upTo: 10_000_000).count == 10_000_000)
    }

    /// Ten million zeros.
    private static let bomb: [UInt8] = bombParts.flatMap { part in
        Array(repeatElement(part.bytes, count: part.count).joined())
    }
    private static let bombParts: [(bytes: [UInt8], count: Int)] = [
        (
            [
                31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 236, 193, 1, 1, 0, 0, 0, 128, 144, 254, 175, 238, 8, 10,
            ], 1
        ),
        ([0], 4094),
        ([128, 217, 131, 3, 1, 0, 0, 0, 0, 32, 255, 215, 70, 80], 1),
        ([85], 4095),
        ([105, 15, 14, 72, 0, 0, 0, 0, 4, 253, 127, 221, 142, 64, 5], 1),
        ([0], 1498),
        ([110, 2, 203, 165, 59, 62, 128, 150, 152, 0], 1),
    ]
}
