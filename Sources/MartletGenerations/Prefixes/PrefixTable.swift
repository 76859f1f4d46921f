internal import MartletProtocol
internal import MartletStreams
internal import MartletText

/// The pinned prefixes of all owners, and their quota.
///
/// Pure: the caller has the lock and the files. Another owner's prefix does not exist for an owner, so two owners may
/// use one name.
struct PrefixTable {
    /// The most names of one owner.
    static let nameLimit = 256

    /// The most tokens of one owner's prefixes together.
    let tokenLimit: Int
    private var owners: [Owner: [ExactString: PinnedPrefix]] = [:]

    init(tokenLimit: Int) { self.tokenLimit = tokenLimit }

    /// All prefixes, the oldest first.
    var all: [PinnedPrefix] { owners.values.flatMap(\.values).sorted(by: Self.isEarlier) }

    /// The prefixes of an owner, the oldest first.
    func prefixes(of owner: Owner) -> [PinnedPrefix] {
        (owners[owner]?.values).map { $0.sorted(by: Self.isEarlier) } ?? []
    }

    private static func isEarlier(_ left: PinnedPrefix, _ right: PinnedPrefix) -> Bool {
        (left.created, left.id.rawValue) < (right.created, right.id.rawValue)
    }

    func prefix(_ name: String, of owner: Owner) -> PinnedPrefix? { owners[owner]?[ExactString(name)] }

    /// The tokens of an owner's prefixes together.
    func tokens(of owner: Owner) -> Int { owners[owner]?.values.reduce(0) { $0 + $1.tokens } ?? 0 }

    /// Adds a prefix, or replaces the one of the same name.
    /// - Returns: the replaced prefix; nil if the name is new.
    /// - Throws: `rateLimited` if the owner's quota does not suffice. The replaced prefix does not count.
    mutating func insert(_ prefix: PinnedPrefix) throws(GenerationError) -> PinnedPrefix? {
        let name = ExactString(prefix.name)
        let replaced = owners[prefix.owner]?[name]
        let others = tokens(of: prefix.owner) - (replaced?.tokens ?? 0)
        guard prefix.tokens <= tokenLimit - others else {
            throw GenerationError(
                .rateLimited,
                "The prefix has \(prefix.tokens) tokens and the other prefixes of this API key have \(others), but "
                    + "\(tokenLimit) are allowed together (--max-pinned-tokens)")
        }
        guard replaced != nil || owners[prefix.owner]?.count ?? 0 < Self.nameLimit else {
            throw GenerationError(
                .rateLimited, "This API key has \(Self.nameLimit) prefixes already, which is the limit; delete one")
        }
        owners[prefix.owner, default: [:]][name] = prefix
        return replaced
    }

    /// Adds a prefix that an earlier process has admitted. The quota may have become smaller since; it applies to new
    /// prefixes only.
    mutating func restore(_ prefix: PinnedPrefix) {
        owners[prefix.owner, default: [:]][ExactString(prefix.name)] = prefix
    }

    /// Changes a prefix that still exists under its id.
    /// - Returns: whether it exists.
    @discardableResult
    mutating func update(_ id: PinnedPrefixID, of owner: Owner, _ change: (inout PinnedPrefix) -> Void) -> Bool {
        guard var prefix = owners[owner]?.values.first(where: { $0.id == id }) else { return false }
        change(&prefix)
        owners[owner]?[ExactString(prefix.name)] = prefix
        return true
    }

    /// Removes a prefix by its name, if it still has the id.
    /// - Parameter id: nil = whatever id it has.
    mutating func remove(_ name: String, of owner: Owner, id: PinnedPrefixID? = nil) -> PinnedPrefix? {
        guard let prefix = prefix(name, of: owner), id == nil || prefix.id == id else { return nil }
        owners[owner]?[ExactString(name)] = nil
        if owners[owner]?.isEmpty == true { owners[owner] = nil }
        return prefix
    }
}
