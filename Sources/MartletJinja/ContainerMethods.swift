import OrderedCollections

/// The methods of Python's `list` and `tuple` that templates may call. A tuple has only those that do not change it.
///
/// `{% set _ = items.append(x) %}` is the usual form, as a statement cannot call a method.
enum ListMethod: String, Sendable {
    case append, clear, copy, count, extend, index, insert, pop, remove, reverse, sort
}

/// The methods of Python's `dict` that templates may call: `message.get("name", "")`, `message.items()`.
enum DictionaryMethod: String, Sendable {
    case clear, copy, get, items, keys, pop, setdefault, update, values
}

extension Interpreter {
    /// Calls a method of a list or a tuple.
    ///
    /// `pop()` and `insert` count negative positions from the end; `pop` fails beyond the end and `insert` clamps,
    /// both as Python does. `index` and `remove` compare with `==`.
    /// - Throws: Python's errors, and `budget`.
    func call(_ method: ListMethod, of list: ListObject, _ arguments: Arguments) throws(TemplateError) -> TemplateValue
    {
        try spend(steps: list.items.count >> 4)
        switch method {
        case .copy: return try makeList(list.items, kind: list.kind)
        case .count, .index:
            let wanted = try only(arguments, "value", of: method.rawValue)
            var count = 0
            for (index, item) in list.items.enumerated() where try areEqual(item, wanted) {
                if method == .index { return .integer(index, isTrusted: false) }
                count += 1
            }
            if method == .index { throw failure("ValueError: \(try text(of: wanted).string) is not in list") }
            return .integer(count, isTrusted: false)
        default: break
        }
        guard list.kind == .list else {
            throw failure("'\(list.kind.rawValue) object' has no attribute '\(method.rawValue)'")
        }
        switch method {
        case .append:
            try spend(bytes: 32)
            list.items.append(try only(arguments, "object", of: "append"))
        case .extend:
            let more = try items(of: try only(arguments, "iterable", of: "extend"))
            try spend(bytes: 32 * more.count)
            list.items += more
        case .insert:
            let values = try bind(arguments, ["index", "object"], of: "insert")
            guard let value = values[1] else { throw missing("object", of: "insert") }
            try spend(bytes: 32)
            let index = try integer(values[0], default: 0, of: "insert")
            list.items.insert(value, at: min(max(index < 0 ? index + list.items.count : index, 0), list.items.count))
        case .pop:
            let index = try integer(try bind(arguments, ["index"], of: "pop")[0], default: -1, of: "pop")
            let offset = index < 0 ? index + list.items.count : index
            guard list.items.indices.contains(offset) else {
                throw failure("IndexError: pop \(list.items.isEmpty ? "from empty list" : "index out of range")")
            }
            return list.items.remove(at: offset)
        case .remove:
            let wanted = try only(arguments, "value", of: "remove")
            for (index, item) in list.items.enumerated() where try areEqual(item, wanted) {
                list.items.remove(at: index)
                return .none
            }
            throw failure("ValueError: list.remove(x): x not in list")
        case .reverse: list.items.reverse()
        case .sort:
            let values = try bind(arguments, ["reverse"], of: "sort")
            list.items = try sorted(list.items, isReversed: values[0]?.isTrue ?? false) { $0 }
        case .clear: list.items = []
        default: break
        }
        return .none
    }

    /// Calls a method of a dictionary.
    ///
    /// `get` and `setdefault` return `none` for a missing key without a default; `pop` fails with `KeyError`.
    func call(
        _ method: DictionaryMethod, of dictionary: DictionaryObject, _ arguments: Arguments
    ) throws(TemplateError) -> TemplateValue {
        switch method {
        case .get, .pop, .setdefault:
            let values = try bind(arguments, ["key", "default"], of: method.rawValue)
            guard let name = values[0] else { throw missing("key", of: method.rawValue) }
            let key = try key(from: name)
            if let member = dictionary.members[key] {
                if method == .pop { dictionary.members.removeValue(forKey: key) }
                return member
            }
            if method == .pop, values[1] == nil { throw failure("KeyError: \(try text(of: name).string)") }
            if method == .setdefault { dictionary.members[key] = values[1] ?? TemplateValue.none }
            return values[1] ?? TemplateValue.none
        case .items: return try makeList(try pairs(of: dictionary), kind: .items)
        case .keys: return try makeList(dictionary.members.keys.map(\.value), kind: .keys)
        case .values: return try makeList(Array(dictionary.members.values), kind: .values)
        case .copy: return try makeDictionary(DictionaryObject(dictionary.members))
        case .clear: dictionary.members = [:]
        case .update:
            if let more = arguments.positional.first {
                try update(dictionary, from: more)
            }
            for (name, value) in arguments.named {
                dictionary.members[.text(ProvenanceText(name, isTrusted: false))] = value
            }
            try spend(bytes: 64 * arguments.named.count)
        }
        return .none
    }

    /// Adds the members of a dictionary, or of a sequence of pairs, as `dict.update` does. Existing keys retain their
    /// position.
    func update(_ dictionary: DictionaryObject, from value: TemplateValue) throws(TemplateError) {
        if case .dictionary(let other) = value {
            try spend(bytes: 64 * other.members.count)
            for (key, value) in other.members { dictionary.members[key] = value }
            return
        }
        for pair in try items(of: value) {
            let parts = try items(of: pair)
            guard parts.count == 2 else {
                throw failure("ValueError: dictionary update sequence element has length \(parts.count); 2 is required")
            }
            try spend(bytes: 64)
            dictionary.members[try key(from: parts[0])] = parts[1]
        }
    }

    /// Each key with its value, as tuples: the result of `dict.items()`.
    func pairs(of dictionary: DictionaryObject) throws(TemplateError) -> [TemplateValue] {
        var pairs: [TemplateValue] = []
        pairs.reserveCapacity(dictionary.members.count)
        for (key, value) in dictionary.members { pairs.append(try makeList([key.value, value], kind: .tuple)) }
        return pairs
    }
}
