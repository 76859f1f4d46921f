internal import MartletText
internal import OrderedCollections

/// The members of a JSON object in the order of the text. Of duplicate keys, the last value counts, at the first
/// position.
///
/// Keys are compared by their bytes: `é` as one scalar and `é` as two are different keys, as in most other JSON
/// parsers.
///
/// - Complexity: looking up a member is O(1); removing one is O(n), as later members move.
package struct JSONObject: Sendable, Hashable {
    package typealias Element = (key: String, value: JSONValue)

    private var members: OrderedDictionary<ExactString, JSONValue>

    /// Creates an empty object.
    package init() { members = [:] }

    /// Creates an object of members in their order.
    ///
    /// - Precondition: no key occurs twice.
    package init(uniqueKeysWithValues members: some Sequence<(String, JSONValue)>) {
        self.members = OrderedDictionary(uniqueKeysWithValues: members.map { (ExactString($0.0), $0.1) })
    }

    /// Creates an object of members; `combine` chooses among the values of equal keys.
    package init(
        _ members: some Sequence<(String, JSONValue)>, uniquingKeysWith combine: (JSONValue, JSONValue) -> JSONValue
    ) {
        self.members = OrderedDictionary(
            members.map { (ExactString($0.0), $0.1) }, uniquingKeysWith: combine)
    }

    /// The value of a member; setting `nil` removes it, and a new key is added at the end. `JSONValue.null` is a
    /// value.
    package subscript(key: String) -> JSONValue? {
        get { members[ExactString(key)] }
        set { members[ExactString(key)] = newValue }
    }

    /// The keys in their order.
    package var keys: [String] { members.keys.map(\.text) }

    /// The members without those that are `null`, which counts as absent in requests.
    package var withoutNulls: JSONObject {
        guard members.values.contains(.null) else { return self }
        var present = self
        present.members.removeAll { $0.value == .null }
        return present
    }

    /// The position of a member.
    package func index(forKey key: String) -> Int? { members.index(forKey: ExactString(key)) }

    /// Removes a member.
    ///
    /// - Returns: its value; `nil` if there was none.
    @discardableResult
    package mutating func removeValue(forKey key: String) -> JSONValue? {
        members.removeValue(forKey: ExactString(key))
    }

    /// Adds the members of `other`; new keys come after the members of this object.
    package mutating func merge(_ other: JSONObject, uniquingKeysWith combine: (JSONValue, JSONValue) -> JSONValue) {
        members.merge(other.members, uniquingKeysWith: combine)
    }

    /// This object with the members of `other`, as `merge` adds them.
    package func merging(
        _ other: JSONObject, uniquingKeysWith combine: (JSONValue, JSONValue) -> JSONValue
    ) -> JSONObject {
        var merged = self
        merged.merge(other, uniquingKeysWith: combine)
        return merged
    }
}

extension JSONObject: RandomAccessCollection {
    package var startIndex: Int { 0 }
    package var endIndex: Int { members.count }

    package subscript(position: Int) -> Element {
        let member = members.elements[position]
        return (member.key.text, member.value)
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral members: (String, JSONValue)...) {
        self.init(members, uniquingKeysWith: { $1 })
    }
}
