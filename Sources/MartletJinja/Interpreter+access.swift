import OrderedCollections

extension Interpreter {
    /// The items over which a loop iterates. A generator is consumed.
    ///
    /// A text gives its code points, a dictionary its keys, an undefined value nothing, each as in Jinja.
    /// - Throws: Python's `TypeError` for numbers, booleans and `none`.
    func items(of value: TemplateValue) throws(TemplateError) -> [TemplateValue] {
        switch value {
        case .list(let list):
            try spend(steps: list.items.count >> 3)
            guard list.kind == .generator else { return list.items }
            defer { list.items = [] }
            return list.items
        case .text(let text):
            try spend(bytes: 32 * text.byteCount)
            return text.characters.map(TemplateValue.text)
        case .dictionary(let dictionary):
            try spend(steps: dictionary.members.count >> 3)
            return dictionary.members.keys.map(\.value)
        case .undefined: return []
        default: throw failure("TypeError: '\(value.typeName)' object is not iterable")
        }
    }

    /// The value of `value.name`.
    ///
    /// For a dictionary methods come before members, so `message.items` is the method even if the client sends a
    /// member `items`. Jinja looks in the same order: `getattr` first, then `[]`. An attribute with two underscores is
    /// undefined, as in Jinja's sandbox; a missing one is undefined, not an error.
    func attribute(_ name: AttributeName, of value: TemplateValue) throws(TemplateError) -> TemplateValue {
        switch value {
        case .dictionary(let dictionary):
            if let method = name.dictionary { return .callable(.method(of: value, .dictionary(method))) }
            if let member = dictionary.members[name.key] { return member }
        case .text:
            if let method = name.text { return .callable(.method(of: value, .text(method))) }
        case .list(let list):
            if list.kind == .list || list.kind == .tuple, let method = name.list {
                return .callable(.method(of: value, .list(method)))
            }
        case .namespace(let object):
            if let attribute = object.attributes[name.name] { return attribute }
        case .loop(let loop):
            if let attribute = attribute(name.name, of: loop) { return attribute }
        case .callable(.macro(let macro)):
            if name.name == "name" { return .text(macro.definition.name, isTrusted: true) }
        case .callable(.cycler(let list)):
            if name.name == "next" { return .callable(.method(of: value, .next)) }
            if name.name == "current" { return list.items.first ?? .none }
        case .undefined(let reason):
            // llama-server's rule: a template may read the type of a schema that is missing. Python's Jinja fails
            // here.
            guard conventions == .server else { throw failure(reason.message) }
            return value
        default: break
        }
        if name.name.utf8.starts(with: "__".utf8) {
            return .undefined(.hint("access to attribute '\(name.name)' of '\(value.typeName)' object is unsafe."))
        }
        return .undefined(.attribute(of: value.typeName, name: name.name))
    }

    /// An attribute of `loop`: `index` from 1, `index0` from 0, `revindex`, `first`, `last`, `length`, `depth`,
    /// `previtem`, `nextitem`, `cycle`, `changed`. nil for another name.
    private func attribute(_ name: String, of loop: LoopObject) -> TemplateValue? {
        let count = loop.items.count
        switch name {
        case "index": return .integer(loop.index + 1)
        case "index0": return .integer(loop.index)
        case "revindex": return .integer(count - loop.index)
        case "revindex0": return .integer(count - loop.index - 1)
        case "first": return .boolean(loop.index == 0)
        case "last": return .boolean(loop.index == count - 1)
        case "length": return .integer(count)
        case "depth": return .integer(loop.depth + 1)
        case "depth0": return .integer(loop.depth)
        case "previtem":
            return loop.index > 0 ? loop.items[loop.index - 1] : .undefined(.hint("there is no previous item"))
        case "nextitem":
            return loop.index + 1 < count ? loop.items[loop.index + 1] : .undefined(.hint("there is no next item"))
        case "cycle": return .callable(.method(of: .loop(loop), .cycle))
        case "changed": return .callable(.method(of: .loop(loop), .changed))
        default: return nil
        }
    }

    /// The value of `value[index]`. A negative index counts from the end. A missing element is undefined.
    func element(_ index: TemplateValue, of value: TemplateValue) throws(TemplateError) -> TemplateValue {
        switch (value, index) {
        case (.undefined(let reason), _):
            guard conventions == .server else { throw failure(reason.message) }
            return value
        case (.dictionary(let dictionary), _):
            if let key = try? key(from: index), let member = dictionary.members[key] { return member }
        case (.list(let list), _) where list.isSequence:
            guard let position = index.integerForArithmetic?.value else { break }
            let offset = position < 0 ? position + list.items.count : position
            if list.items.indices.contains(offset) { return list.items[offset] }
        case (.text(let text), _):
            guard let position = index.integerForArithmetic?.value else { break }
            let length = position < 0 ? text.length : 0
            if let character = text.character(at: position + length) { return .text(character) }
        default: break
        }
        // Like Python's Jinja: an attribute of that name, if there is no such element.
        if case .text(let name) = index { return try attribute(AttributeName(name.string), of: value) }
        return .undefined(.element(of: value.typeName, description: try text(of: index).string))
    }

    /// The value of `value[start:stop:step]`. Bounds beyond the ends are clamped, as in Python: `"abc"[1:9]` is `bc`.
    func slice(_ value: TemplateValue, start: Int?, stop: Int?, step: Int?) throws(TemplateError) -> TemplateValue {
        let step = step ?? 1
        guard step != 0 else { throw failure("ValueError: slice step cannot be zero") }
        switch value {
        case .text(let text):
            let offsets = text.scalarOffsets
            try spend(bytes: text.byteCount)
            let positions = SliceRange(count: offsets.count - 1, start: start, stop: stop, step: step)
            if step == 1 { return .text(text.slice(offsets[positions.first]..<offsets[positions.end])) }
            var result = ProvenanceText.empty
            for position in positions { result.append(text.slice(offsets[position]..<offsets[position + 1])) }
            return .text(result)
        case .list(let list) where list.isSequence:
            let positions = SliceRange(count: list.items.count, start: start, stop: stop, step: step)
            return try makeList(positions.map { list.items[$0] }, kind: list.kind)
        case .undefined(let reason): throw failure(reason.message)
        default: throw failure("TypeError: '\(value.typeName)' object is not subscriptable")
        }
    }
}

/// The positions of a slice, computed as Python's `slice.indices` does.
private struct SliceRange: Sequence, IteratorProtocol {
    private(set) var first: Int
    private let stop: Int
    private let step: Int

    /// - Parameter count: the number of items; nil bounds mean the ends, in the direction of the step.
    init(count: Int, start: Int?, stop: Int?, step: Int) {
        let low = step > 0 ? 0 : -1
        let high = step > 0 ? count : count - 1
        func clamped(_ bound: Int) -> Int {
            let absolute = bound < 0 ? bound + count : bound
            return Swift.min(Swift.max(absolute, low), high)
        }
        first = start.map(clamped) ?? (step > 0 ? low : high)
        self.stop = stop.map(clamped) ?? (step > 0 ? high : low)
        self.step = step
    }

    /// The end of a slice with step 1, never in front of its start.
    var end: Int { Swift.max(first, stop) }

    mutating func next() -> Int? {
        guard step > 0 ? first < stop : first > stop else { return nil }
        defer { first = first.addingReportingOverflow(step).overflow ? stop : first + step }
        return first
    }
}

extension ProvenanceText {
    /// The code point at `position`, counted from the start; nil beyond the end. Linear, as strings are UTF-8.
    func character(at position: Int) -> ProvenanceText? {
        guard position >= 0 else { return nil }
        var left = position
        var offset = 0
        for scalar in string.unicodeScalars {
            let width = UTF8.width(scalar)
            if left == 0 { return slice(offset..<offset + width) }
            left -= 1
            offset += width
        }
        return nil
    }
}
