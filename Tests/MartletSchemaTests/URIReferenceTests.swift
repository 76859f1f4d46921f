import Testing

@testable import MartletSchema

/// Resolution of references (RFC 3986, section 5).
@Suite struct URIReferenceTests {
    /// The examples of section 5.4, except queries and parameters inside of a path.
    @Test(
        arguments: [
            ("g:h", "g:h"), ("g", "http://a/b/c/g"), ("./g", "http://a/b/c/g"), ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"), ("//g", "http://g"), ("g?y", "http://a/b/c/g?y"), ("", "http://a/b/c/d"),
            (".", "http://a/b/c/"), ("./", "http://a/b/c/"), ("..", "http://a/b/"), ("../", "http://a/b/"),
            ("../g", "http://a/b/g"), ("../..", "http://a/"), ("../../", "http://a/"), ("../../g", "http://a/g"),
            ("../../../g", "http://a/g"), ("../../../../g", "http://a/g"), ("/./g", "http://a/g"),
            ("/../g", "http://a/g"), ("g.", "http://a/b/c/g."), (".g", "http://a/b/c/.g"), ("g..", "http://a/b/c/g.."),
            ("..g", "http://a/b/c/..g"), ("./../g", "http://a/b/g"), ("./g/.", "http://a/b/c/g/"),
            ("g/./h", "http://a/b/c/g/h"), ("g/../h", "http://a/b/c/h"),
        ])
    func referencesAreResolved(reference: String, resource: String) {
        for fragment in ["", "s", "/a/b", "a%25b", "./g"] {
            let text = fragment.isEmpty ? reference : "\(reference)#\(fragment)"
            let resolved = URIReference.resolve(text, base: "http://a/b/c/d")
            #expect(resolved.resource == resource && resolved.fragment == fragment, "\(text)")
            // An absolute reference needs no base.
            let again = URIReference.resolve("\(resource)#\(fragment)", base: "other:x")
            #expect(again.resource == resource && again.fragment == fragment)
        }
    }

    /// The examples of section 5.4 with a query or a parameter. A query is not part of a path: it is never inherited,
    /// and dots and slashes in it mean nothing.
    @Test(
        arguments: [
            ("g", "http://a/b/c/g"), ("?y", "http://a/b/c/d;p?y"), ("g?y", "http://a/b/c/g?y"),
            (";x", "http://a/b/c/;x"),
            ("g;x", "http://a/b/c/g;x"), ("g;x?y", "http://a/b/c/g;x?y"), ("", "http://a/b/c/d;p?q/../e"),
            ("g;x=1/./y", "http://a/b/c/g;x=1/y"), ("g;x=1/../y", "http://a/b/c/y"),
            ("g?y/./x", "http://a/b/c/g?y/./x"),
            ("g?y/../x", "http://a/b/c/g?y/../x"), ("/g?../x", "http://a/g?../x"), ("../?a:b", "http://a/b/?a:b"),
            ("http:g", "http:g"), ("http://a/../b?c/../d", "http://a/b?c/../d"), ("//g?y", "http://g?y"),
        ])
    func queriesAreApart(reference: String, resource: String) {
        #expect(URIReference.resolve(reference, base: "http://a/b/c/d;p?q/../e").resource == resource, "\(reference)")
        // A host may be followed by a query at once.
        #expect(URIReference.resolve("g", base: "http://a?b/c").resource == "http://a/g")
    }

    @Test(
        arguments: [
            ("", ""), ("abc", "abc"), ("%41", "A"), ("a%2Fb", "a/b"), ("%25", "%"), ("%2541", "%41"), ("%C3%A9", "é"),
            ("%c3%a9", "é"), ("%", "%"), ("%4", "%4"), ("%zz", "%zz"), ("100%", "100%"), ("%E2%82%AC5", "€5"),
        ])
    func escapesAreDecodedOnce(text: String, decoded: String) {
        #expect(URIReference.decoded(text[...]) == decoded)
    }
}
