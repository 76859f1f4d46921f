import OrderedCollections

extension Interpreter {
    /// Applies a filter of sequences. Each returns a new value; none changes its input, except that a generator is
    /// consumed.
    ///
    /// `first` and `last` of an empty sequence are undefined, not an error: `[] | first | default("x")` is `x`.
    func applySequence(_ filter: Filter, to value: TemplateValue, _ arguments: Arguments) throws(TemplateError)
        -> TemplateValue
    {
        switch filter {
        case .list: return try makeList(try items(of: value))
        case .join: return try join(value, arguments)
        case .first: return try first(of: value)
        case .last:
            if case .list(let list) = value, !list.isSized {
                throw failure("TypeError: '\(value.typeName)' object is not reversible")
            }
            return try items(of: value).last ?? .undefined(.hint("No last item, sequence was empty."))
        case .reverse:
            if case .text(let text) = value { return try makeText(text.characters.reversed().joined()) }
            return try makeList(try items(of: value).reversed(), kind: .generator)
        case .sort:
            let values = try bind(arguments, ["reverse", "case_sensitive", "attribute"], of: "sort")
            let isSensitive = values[1]?.isTrue ?? false
            let attribute = values[2]
            return try makeList(
                try sorted(try items(of: value), isReversed: values[0]?.isTrue ?? false) { item throws(TemplateError) in
                    try sortKey(attribute, of: item, isSensitive: isSensitive)
                })
        case .unique: return try unique(value, arguments)
        case .items:
            if value.isUndefined { return try makeList([], kind: .generator) }
            guard case .dictionary(let dictionary) = value else {
                throw failure("TypeError: Can only get item pairs from a mapping.")
            }
            return try makeList(try pairs(of: dictionary), kind: .generator)
        case .dictsort: return try sortedPairs(of: value, arguments)
        case .batch, .slice: return try parts(filter, of: value, arguments)
        default: return try grouped(value, arguments)
        }
    }

    /// `sequence | join(separator, attribute)`. Each item is converted to a string, unlike in Python's `str.join`.
    private func join(_ value: TemplateValue, _ arguments: Arguments) throws(TemplateError) -> TemplateValue {
        let values = try bind(arguments, ["d", "attribute"], of: "join")
        let separator = try text(of: values[0] ?? .text(.empty))
        var result = ProvenanceText.empty
        for (index, item) in try items(of: value).enumerated() {
            let part = try text(of: try lookUp(values[1], in: item))
            try spend(bytes: part.byteCount + separator.byteCount)
            if index > 0 { result.append(separator) }
            result.append(part)
        }
        return .text(result)
    }

    /// The first item. Of a generator it is removed, so a loop over the rest follows.
    private func first(of value: TemplateValue) throws(TemplateError) -> TemplateValue {
        if case .list(let list) = value, list.kind == .generator, !list.items.isEmpty {
            return list.items.removeFirst()
        }
        return try items(of: value).first ?? .undefined(.hint("No first item, sequence was empty."))
    }

    /// The attribute path of an item: `"a.b"` is `item.a.b`, a number is an element, none is the item.
    ///
    /// A part of a path that consists of digits is an element: `"a.0"`. Source: `make_attrgetter` in
    /// jinja2/filters.py.
    func lookUp(_ attribute: TemplateValue?, in item: TemplateValue) throws(TemplateError) -> TemplateValue {
        switch attribute {
        case nil, .some(.none): return item
        case .text(let path)?:
            var value = item
            for part in path.string.split(separator: ".", omittingEmptySubsequences: false) {
                let index =
                    Int(part).map { TemplateValue.integer($0) } ?? .text(String(part), isTrusted: path.isWhollyTrusted)
                value = try element(index, of: value)
            }
            return value
        case let index?: return try element(index, of: item)
        }
    }

    /// The key by which a value is sorted: text in lower case, unless `case_sensitive`. Jinja's default ignores case.
    func sortKey(_ value: TemplateValue, isSensitive: Bool) throws(TemplateError) -> TemplateValue {
        guard case .text(let text) = value, !isSensitive else { return value }
        try spend(bytes: text.byteCount)
        return .text(text.lowercased())
    }

    /// The key by which an item is sorted: one attribute, or a tuple of several: `sort(attribute="age,name")`.
    private func sortKey(_ attribute: TemplateValue?, of item: TemplateValue, isSensitive: Bool) throws(TemplateError)
        -> TemplateValue
    {
        guard case .text(let names)? = attribute, names.string.utf8.contains(UInt8(ascii: ",")) else {
            return try sortKey(try lookUp(attribute, in: item), isSensitive: isSensitive)
        }
        var keys: [TemplateValue] = []
        for name in names.split(at: ProvenanceText(",", isTrusted: true), limit: .max) {
            keys.append(try sortKey(try lookUp(.text(name), in: item), isSensitive: isSensitive))
        }
        return try makeList(keys, kind: .tuple)
    }

    /// Sorts stably, by a comparison that can fail. Merge sort from the bottom up, so it does not recurse.
    ///
    /// Swift's `sort` is not used: its closure cannot throw a typed error, and its stability is no documented promise.
    /// With `isReversed` equal items retain their order, as in Python.
    /// - Complexity: n log n comparisons; each is a step of the budget.
    func sorted(
        _ items: [TemplateValue], isReversed: Bool, by key: (TemplateValue) throws(TemplateError) -> TemplateValue
    ) throws(TemplateError) -> [TemplateValue] {
        var keyed: [(key: TemplateValue, item: TemplateValue)] = []
        for item in items { keyed.append((try key(item), item)) }
        var width = 1
        while width < keyed.count {
            var merged: [(key: TemplateValue, item: TemplateValue)] = []
            merged.reserveCapacity(keyed.count)
            for start in stride(from: 0, to: keyed.count, by: 2 * width) {
                var left = start
                let middle = Swift.min(start + width, keyed.count)
                var right = middle
                let end = Swift.min(start + 2 * width, keyed.count)
                while left < middle || right < end {
                    try spend()
                    var usesLeft = right == end
                    if left < middle, right < end {
                        let ordering = try ordering(keyed[right].key, keyed[left].key, "<")
                        usesLeft = isReversed ? ordering != 1 : ordering != -1
                    }
                    merged.append(keyed[usesLeft ? left : right])
                    if usesLeft { left += 1 } else { right += 1 }
                }
            }
            keyed = merged
            width *= 2
        }
        return keyed.map(\.item)
    }

    /// `sequence | unique`: the first of several items with equal keys. Case is ignored by default.
    private func unique(_ value: TemplateValue, _ arguments: Arguments) throws(TemplateError) -> TemplateValue {
        let values = try bind(arguments, ["case_sensitive", "attribute"], of: "unique")
        var seen: Set<DictionaryKey> = []
        var kept: [TemplateValue] = []
        for item in try items(of: value) {
            let key = try sortKey(try lookUp(values[1], in: item), isSensitive: values[0]?.isTrue ?? false)
            if seen.insert(try self.key(from: key)).inserted { kept.append(item) }
        }
        return try makeList(kept, kind: .generator)
    }

    /// `dict | dictsort(case_sensitive, by, reverse)`: the pairs sorted by key or by value.
    private func sortedPairs(of value: TemplateValue, _ arguments: Arguments) throws(TemplateError) -> TemplateValue {
        let values = try bind(arguments, ["case_sensitive", "by", "reverse"], of: "dictsort")
        guard case .dictionary(let dictionary) = value else {
            if case .undefined(let reason) = value { throw failure(reason.message) }
            throw failure("'\(value.typeName) object' has no attribute 'items'")
        }
        let by = try text(values[1], default: ProvenanceText("key", isTrusted: true), of: "dictsort").string
        guard by == "key" || by == "value" else { throw failure("You can only sort by either \"key\" or \"value\"") }
        let isSensitive = values[0]?.isTrue ?? false
        let pairs = try pairs(of: dictionary)
        return try makeList(
            try sorted(pairs, isReversed: values[2]?.isTrue ?? false) { pair throws(TemplateError) in
                try sortKey(try element(.integer(by == "key" ? 0 : 1), of: pair), isSensitive: isSensitive)
            })
    }

    /// `batch(n)`: rows of n items. `slice(n)`: n columns. `fill_with` completes the last row, or the short columns.
    ///
    ///     [1, 2, 3, 4, 5] | batch(2)  ->  [1, 2] [3, 4] [5]
    ///     [1, 2, 3, 4, 5] | slice(2)  ->  [1, 2, 3] [4, 5]
    private func parts(_ filter: Filter, of value: TemplateValue, _ arguments: Arguments) throws(TemplateError)
        -> TemplateValue
    {
        let values = try bind(arguments, ["count", "fill_with"], of: filter.rawValue)
        let count = try integer(values[0], default: 0, of: filter.rawValue)
        guard count > 0 else { throw failure("\(filter.rawValue) needs a count of at least 1, not \(count)") }
        let items = try items(of: value)
        let fill = values[1].flatMap { $0.isNone ? nil : $0 }
        var rows: [TemplateValue] = []
        if filter == .batch {
            for start in stride(from: 0, to: items.count, by: count) {
                var row = Array(items[start..<Swift.min(start + count, items.count)])
                if let fill, row.count < count {
                    try spend(bytes: 32 * count)
                    row += Array(repeating: fill, count: count - row.count)
                }
                rows.append(try makeList(row))
            }
        } else {
            try spend(bytes: 32 * Swift.min(count, 1 << 40))
            var start = 0
            for index in 0..<count {
                let isLong = index < items.count % count
                let end = start + items.count / count + (isLong ? 1 : 0)
                let isFilled = !isLong && !items.count.isMultiple(of: count)
                rows.append(try makeList(Array(items[start..<end]) + (isFilled ? fill.map { [$0] } ?? [] : [])))
                start = end
            }
        }
        return try makeList(rows, kind: .generator)
    }

    /// `sequence | groupby(attribute)`: tuples of a key and the list of its items, sorted by key.
    ///
    /// Items with keys that differ only in case are one group by default, which is named after its first item.
    private func grouped(_ value: TemplateValue, _ arguments: Arguments) throws(TemplateError) -> TemplateValue {
        let values = try bind(arguments, ["attribute", "default", "case_sensitive"], of: "groupby")
        let isSensitive = values[2]?.isTrue ?? false
        var keyed: [(key: TemplateValue, sortKey: TemplateValue, item: TemplateValue)] = []
        for item in try items(of: value) {
            var key = try lookUp(values[0], in: item)
            if key.isUndefined, let fallback = values[1] { key = fallback }
            keyed.append((key, try sortKey(key, isSensitive: isSensitive), item))
        }
        let indices = try sorted(keyed.indices.map { TemplateValue.integer($0) }, isReversed: false) {
            keyed[$0.position].sortKey
        }
        var groups: [(key: TemplateValue, sortKey: TemplateValue, items: [TemplateValue])] = []
        for index in indices.map(\.position) {
            let entry = keyed[index]
            if let last = groups.last, try areEqual(last.sortKey, entry.sortKey) {
                groups[groups.count - 1].items.append(entry.item)
            } else {
                groups.append((entry.key, entry.sortKey, [entry.item]))
            }
        }
        var result: [TemplateValue] = []
        for group in groups { result.append(try makeList([group.key, try makeList(group.items)], kind: .tuple)) }
        return try makeList(result)
    }
}

extension TemplateValue {
    /// The number of an integer that is an index.
    fileprivate var position: Int { if case .integer(let value, _) = self { value } else { 0 } }
}

extension Sequence where Element == ProvenanceText {
    /// The concatenation of the texts.
    fileprivate func joined() -> ProvenanceText { reduce(into: .empty) { $0.append($1) } }
}
