import Testing

@testable import MartletSchema

@Suite struct FormatTests {
    @Test(
        arguments: [
            (
                "date", ["2024-02-29", "1999-12-31", "2000-02-29"],
                ["2023-02-29", "1900-02-29", "2024-13-01", "2024-1-1", "2024-04-31", "0000-01-01"]
            ),
            ("time", ["23:59:59Z", "00:00:00.123+01:30"], ["24:00:00Z", "12:00:00", "12:60:00Z"]),
            (
                "date-time", ["2024-12-31T23:00:00Z"],
                ["2024-12-31T25:00:00Z", "2024-12-31", "2024-12-31T23:00:00", "2023-02-29T00:00:00Z"]
            ),
            ("duration", ["P1Y2M3DT4H5M6S", "PT1M", "P2W"], ["P", "PT", "P1Y2D", "1D", "P1D2W"]),
            ("email", ["a@b.de", "joe.bloggs+x@example.com"], ["a", "a@", "@b", "a@b..c", ".a@b.c", "a b@c.d"]),
            ("hostname", ["example.com", "a-b.c"], ["-a.b", "a..b", "a_b", "", "Invalid Host"]),
            ("ipv4", ["127.0.0.1", "255.255.255.255"], ["256.0.0.1", "1.2.3", "01.2.3.4"]),
            (
                "ipv6", ["::", "::1", "2001:db8::8a2e:370:7334", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4"],
                ["1:2:3", ":::", "12345::", "1:2:3:4:5:6:7:8:9"]
            ),
            (
                "uri", ["https://a.b/c?d#e", "urn:isbn:1", "mailto:a@b.c"],
                ["invalid_url", "//a", "http://a b", "https://[::1"]
            ),
            ("uri-reference", ["/a/b", "#x", "", "https://a.b"], ["\\\\a", "a b"]),
            (
                "uuid", ["2eb8aa08-aa98-11ea-b4aa-73b441d16380"],
                ["2eb8aa08-aa98-11ea-b4aa-73b441d1638", "2eb8aa08aa9811eab4aa73b441d16380"]
            ),
            ("json-pointer", ["", "/a~0b/c~1"], ["a", "/~2"]), ("relative-json-pointer", ["0#", "1/a"], ["/a", "-1"]),
            ("uri-template", ["https://a.b/{c}{?d,e*}"], ["{", "a{b"]),
            ("regex", ["^a[bc]?$", "\\d+"], ["(", "*a", "[a"]),
            ("byte", ["aGk=", "", "YWJj"], ["a", "Invalid base64"]),
        ] as [(String, [String], [String])])
    func textsOfFormats(format: String, yes: [String], no: [String]) throws {
        let automaton = try SchemaFormat.automaton(named: format)
        for text in yes { #expect(automaton.matches(text), "\(text)") }
        for text in no { #expect(!automaton.matches(text), "\(text)") }
    }

    @Test func unknownFormatsSayNothing() throws {
        #expect(!SchemaFormat.isKnown("color"))
        #expect(try SchemaProbe(#"{"type": "string", "format": "color"}"#).accepts(#""any""#))
    }
}
