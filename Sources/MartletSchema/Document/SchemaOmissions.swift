/// The keywords that relaxed mode has dropped, and the warnings that name them.
///
/// It is a class, as parser and expander both add to it and every attempt reads it. In strict mode it stays empty.
final class SchemaOmissions {
    let mode: SchemaMode
    /// The keywords that are treated as absent.
    private(set) var keywords: Set<SchemaKeyword> = []
    /// A sentence for each keyword, in the order in which they were dropped.
    private(set) var warnings: [String] = []
    /// Whether a `not` or `if` was dropped that the parser may have read already; the parser then starts again.
    var isNewAround = false
    /// The number of keywords beyond which the schema is refused: it is then no JSON Schema.
    private static let limit = 256

    init(mode: SchemaMode) { self.mode = mode }

    /// Whether a keyword was dropped.
    func contains(_ keyword: SchemaKeyword) -> Bool { keywords.contains(keyword) }

    /// Drops the keyword that an error names.
    ///
    /// Within `not` or `if` the whole `not` or `if` is dropped. Example: without `pattern`, `{"not": {"type": "string",
    /// "pattern": "…"}}` would refuse every string, although the author refused only some.
    ///
    /// - Throws: the error itself, in strict mode, for limits and for errors that name no keyword.
    func omit(_ error: SchemaError) throws(SchemaError) {
        let keyword = SchemaKeyword(pointer: error.pointer, keyword: error.keyword)
        let around = Self.keyword(around: error.pointer)
        if keywords.contains(around ?? keyword) { return }
        guard mode == .relaxed, error.kind == .unsupported || error.kind == .invalid, !error.keyword.isEmpty,
            warnings.count < Self.limit
        else { throw error }
        keywords.insert(around ?? keyword)
        if let around {
            isNewAround = true
            warnings.append("The schema's \(error) The '\(around.keyword)' around it was left out.")
        } else {
            warnings.append("The schema's \(error) It was left out.")
        }
    }

    /// The outermost `not` or `if` that contains the schema at a pointer.
    ///
    /// A part of the pointer that is the name of a member, as in `#/properties/not`, is no keyword.
    static func keyword(around pointer: String) -> SchemaKeyword? {
        var isName = false
        var outer = ""
        for part in pointer.split(separator: "/", omittingEmptySubsequences: false) {
            if !isName, part == "not" || part == "if" { return SchemaKeyword(pointer: outer, keyword: String(part)) }
            isName = !isName && SchemaResources.maps.contains(String(part))
            outer += outer.isEmpty ? part : "/" + part
        }
        return nil
    }
}
