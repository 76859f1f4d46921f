/// What of a schema is left out since it cannot be honoured, and the sentences that say so.
///
/// A class, as reading and expanding a schema both add to it. In strict mode nothing is left out.
final class SchemaOmissions {
    let mode: SchemaMode
    private(set) var keywords: Set<SchemaKeyword> = []
    private(set) var warnings: [String] = []
    /// Whether something is left out that may have been read before.
    var isNewAround = false
    /// Beyond that a schema is refused.
    private static let limit = 256

    init(mode: SchemaMode) { self.mode = mode }

    func contains(_ keyword: SchemaKeyword) -> Bool { keywords.contains(keyword) }

    /// Leaves out the keyword that `error` names, once; within `not` or `if`, which would then mean more, that.
    ///
    /// - Throws: the error, where the mode or its kind does not allow that.
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

    /// The outermost `not` or `if` that a schema lies in.
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
