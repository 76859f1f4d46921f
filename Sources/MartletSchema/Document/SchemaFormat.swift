import Synchronization

/// The texts that a `format` allows. A format that is not known here says nothing, as the specification has it.
///
/// Where a format's whole language is not regular, or would make a very large automaton, the texts allowed are some
/// of its texts: never others.
enum SchemaFormat {
    static func isKnown(_ name: String) -> Bool { patterns[name] != nil }

    /// - Precondition: the name is known; for another the automaton accepts everything.
    static func automaton(named name: String) throws(RegexError) -> ScalarAutomaton {
        if let known = automata.withLock({ $0[name] }) { return known }
        guard let pattern = patterns[name] else { return .everything }
        let automaton = try RegexCompiler.search("^(?:\(pattern))$")
        automata.withLock { $0[name] = automaton }
        return automaton
    }

    private static let automata = Mutex<[String: ScalarAutomaton]>([:])

    private static let patterns: [String: String] = [
        "date": date, "time": time, "date-time": "\(date)T\(time)", "duration": duration, "email": email,
        "idn-email": email, "hostname": hostname, "idn-hostname": hostname, "ipv4": ipv4, "ipv6": ipv6, "uri": uri,
        "iri": uri, "uri-reference": uriReference, "iri-reference": uriReference, "uri-template": uriTemplate,
        "uuid": uuid, "json-pointer": jsonPointer, "relative-json-pointer": "(?:0|[1-9]\\d{0,8})(?:#|\(jsonPointer))",
        "regex": regex, "byte": base64,
    ]

    // The 29th of February only in leap years; no year 0000.
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

    // At most five labels of at most 49 characters: the whole is never longer than a name may be.
    private static let label = "[a-zA-Z0-9](?:-?[a-zA-Z0-9]){0,24}"
    private static let hostname = "\(label)(?:\\.\(label)){0,4}"
    // The name is at most 64 characters long, the whole at most 254.
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
    // Without groups inside groups, references and braces.
    private static let regex: String = {
        let atom =
            "(?:[^\\\\^$.*+?()\\[\\]{}|]|\\.|\\\\[dDwWsSbnrt.*+?^$()\\[\\]{}|/\\\\]|\\[\\^?[a-zA-Z0-9 _.]+\\])[*+?]?"
        return "\\^?(?:\(atom)|\\((?:\(atom))+(?:\\|(?:\(atom))+)*\\)[*+?]?)*\\$?"
    }()
    private static let base64 = "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
}
