import Synchronization

/// The texts that a `format` admits (validation, section 7), as regular expressions.
///
/// `format` is an assertion here. An unknown name asserts nothing, as the specification has it. A language that is not
/// regular, or has a very large automaton, is replaced by a regular subset and never by a superset: a generated text
/// always has the format.
///
/// | format | definition | restriction |
/// | --- | --- | --- |
/// | `date`, `time`, `date-time` | RFC 3339 | no leap seconds; at most 12 digits of a second |
/// | `duration` | RFC 3339, appendix A | at most 9 digits for each number |
/// | `email`, `idn-email` | RFC 5321 | ASCII; no quoted names or address literals; at most 64 characters before `@` |
/// | `hostname`, `idn-hostname` | RFC 1123 | at most 5 labels, each of at most 49 characters, ASCII |
/// | `ipv4`, `ipv6` | RFC 2673, RFC 4291 | no zone |
/// | `uri`, `iri`, their references | RFC 3986 | ASCII, port of at most 5 digits |
/// | `uri-template` | RFC 6570 | |
/// | `uuid` | RFC 4122 | |
/// | `json-pointer`, `relative-json-pointer` | RFC 6901 and its draft | at most 9 digits |
/// | `regex` | ECMA-262 | no nested groups, references or braces |
/// | `byte` | RFC 4648 base64 | |
enum SchemaFormat {
    /// Whether a format asserts anything.
    static func isKnown(_ name: String) -> Bool { patterns[name] != nil }

    /// The automaton of a format; compiled once per process and then shared by all threads.
    ///
    /// - Precondition: the name is known. The automaton of an unknown name accepts every text.
    static func automaton(named name: String) throws(RegexError) -> ScalarAutomaton {
        if let known = automata.withLock({ $0[name] }) { return known }
        guard let pattern = patterns[name] else { return .everything }
        let automaton = try RegexCompiler.search("^(?:\(pattern))$")
        automata.withLock { $0[name] = automaton }
        return automaton
    }

    /// The automata that were compiled, by the format's name.
    private static let automata = Mutex<[String: ScalarAutomaton]>([:])

    /// The expression of each format, without anchors.
    private static let patterns: [String: String] = [
        "date": date, "time": time, "date-time": "\(date)T\(time)", "duration": duration, "email": email,
        "idn-email": email, "hostname": hostname, "idn-hostname": hostname, "ipv4": ipv4, "ipv6": ipv6, "uri": uri,
        "iri": uri, "uri-reference": uriReference, "iri-reference": uriReference, "uri-template": uriTemplate,
        "uuid": uuid, "json-pointer": jsonPointer, "relative-json-pointer": "(?:0|[1-9]\\d{0,8})(?:#|\(jsonPointer))",
        "regex": regex, "byte": base64,
    ]

    // February 29 exists only in leap years; the year 0000 does not exist.
    private static let date: String = {
        let leap = "(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
        return "(?:(?!0000)\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)"
            + "|02-(?:0[1-9]|1\\d|2[0-8]))|\(leap)-02-29)"
    }()
    private static let time =
        "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,12})?(?:[Zz]|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)"

    private static let duration: String = {
        let n = "\\d{1,9}"
        let time = "T(?:\(n)H(?:\(n)M(?:\(n)S)?)?|\(n)M(?:\(n)S)?|\(n)S)"
        let date = "(?:\(n)Y(?:\(n)M(?:\(n)D)?)?|\(n)M(?:\(n)D)?|\(n)D)(?:\(time))?"
        return "P(?:\(date)|\(time)|\(n)W)"
    }()

    // Five labels of at most 49 characters and four dots never exceed the 253 characters of a host name. Exact counting
    // would multiply the states by the length.
    private static let label = "[a-zA-Z0-9](?:-?[a-zA-Z0-9]){0,24}"
    private static let hostname = "\(label)(?:\\.\(label)){0,4}"
    // The local part has at most 64 characters, and the whole at most 254.
    private static let email: String = {
        let atom = "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]"
        let label = "[a-zA-Z0-9](?:-?[a-zA-Z0-9]){0,22}"
        return "(?=[^@]{1,64}@)\(atom)+(?:\\.\(atom)+)*@\(label)(?:\\.\(label)){0,3}"
    }()

    private static let octet = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)"
    private static let ipv4 = "\(octet)(?:\\.\(octet)){3}"
    private static let ipv6: String = {
        let h = "[0-9a-fA-F]{1,4}"
        let low = "(?:\(h):\(h)|\(ipv4))"
        let forms = [
            "(?:\(h):){6}\(low)", "::(?:\(h):){5}\(low)", "(?:\(h))?::(?:\(h):){4}\(low)",
            "(?:(?:\(h):){0,1}\(h))?::(?:\(h):){3}\(low)", "(?:(?:\(h):){0,2}\(h))?::(?:\(h):){2}\(low)",
            "(?:(?:\(h):){0,3}\(h))?::\(h):\(low)", "(?:(?:\(h):){0,4}\(h))?::\(low)",
            "(?:(?:\(h):){0,5}\(h))?::\(h)", "(?:(?:\(h):){0,6}\(h))?::",
        ]
        return "(?:\(forms.joined(separator: "|")))"
    }()

    private static let uriParts: (authority: String, character: String, noColon: String) = {
        let percent = "%[0-9a-fA-F]{2}"
        let host = "(?:\\[\(ipv6)\\]|(?:[a-zA-Z0-9._~!$&'()*+,;=-]|\(percent))*)"
        return (
            "(?:(?:[a-zA-Z0-9._~!$&'()*+,;=:-]|\(percent))*@)?\(host)(?::\\d{0,5})?",
            "(?:[a-zA-Z0-9._~!$&'()*+,;=:@-]|\(percent))", "(?:[a-zA-Z0-9._~!$&'()*+,;=@-]|\(percent))"
        )
    }()
    private static let uriTail =
        "(?:\\?(?:\(uriParts.character)|[/?])*)?(?:#(?:\(uriParts.character)|[/?])*)?"
    private static let uriAbsolutePath = "/(?:\(uriParts.character)+(?:/\(uriParts.character)*)*)?"
    private static let uriHierarchy =
        "(?://\(uriParts.authority)(?:/\(uriParts.character)*)*|\(uriAbsolutePath)"
    private static let uri =
        "[a-zA-Z][a-zA-Z0-9+.-]*:\(uriHierarchy)|\(uriParts.character)+(?:/\(uriParts.character)*)*)?\(uriTail)"
    private static let uriReference =
        "(?:\(uri)|\(uriHierarchy)|\(uriParts.noColon)+(?:/\(uriParts.character)*)*)?\(uriTail))"
    private static let uriTemplate: String = {
        let name = "(?:[a-zA-Z0-9_]|%[0-9a-fA-F]{2})+"
        let variable = "\(name)(?:\\.\(name))*(?::[1-9]\\d{0,3}|\\*)?"
        return "(?:[a-zA-Z0-9._~:/?#@!$&()*+,;=\\[\\]-]|%[0-9a-fA-F]{2}|\\{[+#./;?&]?\(variable)(?:,\(variable))*\\})*"
    }()

    private static let uuid = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
    private static let jsonPointer = "(?:/(?:[^~/]|~[01])*)*"
    // Without nested groups, references and counted repetitions. `\b` has no quantifier, as it is an assertion.
    private static let regex: String = {
        let character =
            "(?:[^\\\\^$.*+?()\\[\\]{}|]|\\.|\\\\[dDwWsSnrt.*+?^$()\\[\\]{}|/\\\\]|\\[\\^?[a-zA-Z0-9 _.]+\\])[*+?]?"
        let atom = "(?:\(character)|\\\\b)"
        return "\\^?(?:\(atom)|\\((?:\(atom))+(?:\\|(?:\(atom))+)*\\)[*+?]?)*\\$?"
    }()
    private static let base64 = "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
}
