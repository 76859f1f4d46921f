internal import MartletText
internal import OrderedCollections

/// The members of a JSON object in the order of the text. Of duplicate keys the last value counts, at the first place.
///
/// Keys are the same if their bytes are.
package struct JSONObject: Sendable, Hashable {
    package typealias Element = (key: String, value: JSONValue)

    private var members: OrderedDictionary<ExactString, JSONValue>

    package init() { members = [:] }

    /// - Precondition: No key comes twice.
    package init(uniqueKeysWithValues members: some Sequence<(String, JSONValue)>) {
        self.members = OrderedDictionary(uniqueKeysWithValues: members.map { (ExactString($0.0), $0.1) })
    }

    package init(
        _ members: some Sequence<(String, JSONValue)>, uniquingKeysWith combine: (JSONValue, JSONValue) -> JSONValue
    ) {
        self.members = OrderedDictionary(
            members.map { (ExactString($0.0), $0.1) }, uniquingKeysWith: combine)
    }

    package subscript(key: String) -> JSONValue? {
        get { members[ExactString(key)] }
        set { members[ExactString(key)] = newValue }
    }

    package var keys: [String] { members.keys.map(\.text) }

    /// The members that are not `null`, which counts as absent.
    package var withoutNulls: JSONObject {
        guard members.values.contains(.null) else { return self }
        var present = self
        present.members.removeAll { $0.value == .null }
        return present
    }

    /// The place of a member.
    package func index(forKey key: String) -> Int? { members.index(forKey: ExactString(key)) }

    @discardableResult
    package mutating func removeValue(forKey key: String) -> JSONValue? {
        members.removeValue(forKey: ExactString(key))
    }

    package mutating func merge(_ other: JSONObject, uniquingKeysWith combine: (JSONValue, JSONValue) -> JSONValue) {
        members.merge(other.members, uniquingKeysWith: combine)
    }

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
