import OrderedCollections

/// The parts of a conversation that were left out, because only another server or client can use them.
///
/// A conversation may begin at such a server and go on here. Its texts stay.
struct OmittedParts: Sendable {
    /// The numbers of parts by their types, which are known ones.
    private var counts: OrderedDictionary<String, Int> = [:]

    /// Counts a part.
    mutating func add(_ type: String) { counts[type, default: 0] += 1 }

    /// One sentence for each type.
    ///
    /// - Parameters:
    ///   - field: the field that has the parts.
    ///   - name: the dialect's word for a part.
    func warnings(_ field: String, _ name: String) -> [String] {
        counts.map { type, count in
            let parts = count == 1 ? "1 \(name) of type \"\(type)\" was" : "\(count) \(name)s of type \"\(type)\" were"
            return "\(field): \(parts) left out, because this server cannot use them"
        }
    }
}
