import MartletJSON
import MartletText
import OrderedCollections

/// A member of a request that had no effect.
package struct UnusedField: Sendable, Equatable {
    /// The path, such as `stream_options.include_usag`.
    package var path: String
    /// Whether another request may use a field of this name.
    package var isKnown: Bool
    /// The known field with the most similar name; nil if none is similar.
    package var nearest: String?
}

/// The record of the names that readers of one body have asked for.
///
/// A field is unused if no reader asked for its name; this needs no list of names beside the readers. The names that
/// were asked for are the known names, present or not, so that a misspelling finds the nearest of them.
///
/// Thread: one at a time; a request is validated by one task.
final class FieldUsage {
    private var asked: Set<String> = []
    /// Known names that no reader asked for.
    private var known: Set<String> = []
    /// The prefixes of objects whose members all count as used.
    private var whole: Set<String> = []
    /// Nested objects with a reader of their own.
    private var objects: [(prefix: String, members: JSONObject)] = []

    /// The most fields of one report. A body may have any number of fields.
    private static let reportLimit = 16

    /// Records that a reader asked for a member.
    func read(_ path: String) { asked.insert(path) }

    /// Records that a name is known.
    func know(_ path: String) { known.insert(path) }

    /// Records that a reader used all members of an object.
    func add(allOf prefix: String) { whole.insert(prefix) }

    /// Records a nested object that is read member by member.
    func add(object members: JSONObject, at prefix: String) {
        guard !objects.contains(where: { $0.prefix == prefix }) else { return }
        objects.append((prefix, members))
    }

    /// The unused members, at most `reportLimit`.
    /// - Complexity: O(members of the body + unused members × known names).
    func unused(of body: JSONObject) -> [UnusedField] {
        var found: [UnusedField] = []
        for (prefix, members) in [("", body)] + objects.map({ ($0.prefix, $0.members) }) {
            guard !whole.contains(prefix) else { continue }
            for (name, value) in members where value != .null {
                let path = prefix + name
                guard !asked.contains(path) else { continue }
                found.append(UnusedField(path: path, isKnown: known.contains(path), nearest: nearest(to: path, prefix)))
                if found.count == Self.reportLimit { return found }
            }
        }
        return found
    }

    /// The known name of the same object that is most similar; the first in alphabetical order of equal ones.
    private func nearest(to path: String, _ prefix: String) -> String? {
        guard !known.contains(path) else { return nil }
        let candidates = asked.union(known).filter { name in
            name.hasPrefix(prefix) && !name.dropFirst(prefix.count).contains(".")
        }
        return EditDistance.nearest(to: path, among: candidates.sorted())
    }
}
