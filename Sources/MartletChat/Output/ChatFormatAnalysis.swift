import MartletJSON
import MartletJinja
import OrderedCollections

/// Takes the form of tool calls from the differences between renderings of calls whose words are known.
///
/// In the turn of a template that no family fits, the names, keys and values of the synthetic calls are found again,
/// and what stands between them is sorted into the parts of a `ToolCallFormat`: what recurs in front of each call,
/// behind each, between two. Whether the result is right is for the caller to see by reading the turns with it.
struct ChatFormatAnalysis {
    /// A turn with one call.
    let single: ChatFormatRecognition.CallTurn?
    /// A turn with two.
    let several: ChatFormatRecognition.CallTurn?
    /// What ends a turn.
    let end: String

    func format() -> ChatFormat? {
        guard let single else { return nil }
        let one = body(single.turn.text)
        let two = several.map { body($0.turn.text) }
        guard var calls = objects(one, two) ?? headed(one, two) ?? tagged(one, two) else { return nil }
        calls.allowsSeveral = several != nil
        // Nothing but white space would begin a call in any text.
        guard !ChatFormatPlan.trimmed(calls.opening + calls.callOpening).isEmpty else { return nil }
        return ChatFormat(name: "analysed", calls: calls)
    }

    private func body(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        let tail = Array(end.utf8)
        return !tail.isEmpty && bytes.suffix(tail.count).elementsEqual(tail) ? Array(bytes.dropLast(tail.count)) : bytes
    }

    // MARK: Forms

    /// `{"name": …, "arguments": {…}}`
    private func objects(_ one: [UInt8], _ two: [UInt8]?) -> ToolCallFormat? {
        guard let first = Self.object(in: one, holding: ChatFormatRecognition.names[0], from: 0),
            let members = first.value.objectValue
        else { return nil }
        let name = members.first { $0.value.stringValue == ChatFormatRecognition.names[0] }?.key
        let arguments = members.first { Self.holdsArguments($0.value) }?.key
        let shape: ToolCallFormat.Shape
        if let name, let arguments {
            let identifier = members.first { $0.value.stringValue == "call00001" }?.key
            shape = .object(
                name: name, arguments: arguments,
                id: identifier.map { key in
                    ToolCallIDField(
                        key: key, isFirst: (members.index(forKey: key) ?? 0) < (members.index(forKey: name) ?? 0))
                })
        } else if arguments == ChatFormatRecognition.names[0], members.count == 1 {
            shape = .nameAsKey
        } else {
            return nil
        }
        var between: [UInt8]?
        if let two, let a = Self.object(in: two, holding: ChatFormatRecognition.names[0], from: 0),
            let b = Self.object(in: two, holding: ChatFormatRecognition.names[1], from: a.range.upperBound)
        {
            between = Array(two[a.range.upperBound..<b.range.lowerBound])
        }
        return assembled(
            shape, before: one[..<first.range.lowerBound], behind: one[first.range.upperBound...], between: between)
    }

    private static func holdsArguments(_ value: JSONValue) -> Bool {
        if value[ChatFormatRecognition.keys[0]] != nil { return true }
        return value.stringValue?.contains(ChatFormatRecognition.keys[0]) ?? false
    }

    /// `NAME … {"key": …}`
    private func headed(_ one: [UInt8], _ two: [UInt8]?) -> ToolCallFormat? {
        guard let name = Self.find(ChatFormatRecognition.names[0], in: one, from: 0),
            let arguments = Self.object(in: one, holding: ChatFormatRecognition.keys[0], from: name.upperBound)
        else { return nil }
        var between: [UInt8]?
        if let two, let first = Self.object(in: two, holding: ChatFormatRecognition.texts[0], from: 0),
            let next = Self.find(ChatFormatRecognition.names[1], in: two, from: first.range.upperBound)
        {
            between = Array(two[first.range.upperBound..<next.lowerBound])
        }
        let head = String(decoding: one[name.upperBound..<arguments.range.lowerBound], as: UTF8.self)
        guard !head.isEmpty else { return nil }
        return assembled(
            .headed(ToolCallHead(end: head), .object), before: one[..<name.lowerBound],
            behind: one[arguments.range.upperBound...], between: between)
    }

    /// `NAME … KEY … VALUE …`
    private func tagged(_ one: [UInt8], _ two: [UInt8]?) -> ToolCallFormat? {
        guard let name = Self.find(ChatFormatRecognition.names[0], in: one, from: 0),
            let key = Self.find(ChatFormatRecognition.keys[0], in: one, from: name.upperBound),
            let value = Self.find(ChatFormatRecognition.texts[0], in: one, from: key.upperBound),
            let nextKey = Self.find(ChatFormatRecognition.keys[1], in: one, from: value.upperBound),
            let last = Self.find(String(ChatFormatRecognition.numbers[0]), in: one, from: nextKey.upperBound)
        else { return nil }
        let head = Array(one[name.upperBound..<key.lowerBound])
        let middle = Array(one[key.upperBound..<value.lowerBound])
        let step = Array(one[value.upperBound..<nextKey.lowerBound])
        let behind = one[last.upperBound...]
        let opening = Self.opening(head, step)
        let closing = Self.closing(step, Array(behind))
        guard !opening.isEmpty, !closing.isEmpty, !middle.isEmpty, closing.count + opening.count <= step.count,
            middle == Array(one[nextKey.upperBound..<last.lowerBound])
        else { return nil }
        func text(_ bytes: some Sequence<UInt8>) -> String { String(decoding: Array(bytes), as: UTF8.self) }
        let arguments = TaggedArguments(
            opening: text(opening), middle: .text(text(middle)), closing: text(closing),
            separator: text(step.dropFirst(closing.count).dropLast(opening.count)))
        var between: [UInt8]?
        if let two, let end = Self.find(String(ChatFormatRecognition.numbers[0]), in: two, from: 0),
            let next = Self.find(ChatFormatRecognition.names[1], in: two, from: end.upperBound)
        {
            between = Array(two[end.upperBound..<next.lowerBound].dropFirst(closing.count))
        }
        return assembled(
            .headed(ToolCallHead(end: text(head.dropLast(opening.count))), .tagged(arguments)),
            before: one[..<name.lowerBound], behind: behind.dropFirst(closing.count), between: between)
    }

    // MARK: Parts

    /// Sorts what stands around calls into the parts that recur and those that do not.
    private func assembled(
        _ shape: ToolCallFormat.Shape, before: ArraySlice<UInt8>, behind: ArraySlice<UInt8>, between: [UInt8]?
    ) -> ToolCallFormat {
        func text(_ bytes: some Sequence<UInt8>) -> String { String(decoding: Array(bytes), as: UTF8.self) }
        var calls = ToolCallFormat(shape)
        var before = before
        var behind = behind
        let isList = Self.trimmed(before).last == UInt8(ascii: "[") && Self.trimmed(behind).first == UInt8(ascii: "]")
        if isList {
            before = Self.trimmed(before).dropLast()
            behind = Self.trimmed(behind).dropFirst()
            calls.isList = true
            calls.opening = text(before)
            calls.closing = text(behind)
            calls.separator = between.map { text($0) } ?? ", "
            return calls
        }
        guard let between else {
            calls.callOpening = text(before)
            calls.callClosing = text(behind)
            return calls
        }
        let opening = Self.opening(Array(before), between)
        let closing = Self.closing(between, Array(behind))
        guard opening.count + closing.count <= between.count else {
            calls.callOpening = text(before)
            calls.callClosing = text(behind)
            return calls
        }
        calls.callOpening = text(opening)
        calls.callClosing = text(closing)
        calls.separator = text(between.dropFirst(closing.count).dropLast(opening.count))
        calls.opening = text(before.dropLast(opening.count))
        calls.closing = text(behind.dropFirst(closing.count))
        // White space alone is no section.
        if ChatFormatPlan.trimmed(calls.opening).isEmpty { calls.opening = "" }
        if ChatFormatPlan.trimmed(calls.closing).isEmpty { calls.closing = "" }
        return calls
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes
        while let last = bytes.last, ArgumentTranscriber.isSpace(last) { bytes = bytes.dropLast() }
        while let first = bytes.first, ArgumentTranscriber.isSpace(first) { bytes = bytes.dropFirst() }
        return bytes
    }

    /// What stands in front of each part: white space in front of that separates parts.
    private static func opening(_ first: [UInt8], _ next: [UInt8]) -> [UInt8] {
        Array(commonSuffix(first, next).drop(while: ArgumentTranscriber.isSpace))
    }

    /// What stands behind each part: white space behind that separates parts.
    private static func closing(_ next: [UInt8], _ last: [UInt8]) -> [UInt8] {
        let common = commonPrefix(next, last)
        return Array(common[..<((common.lastIndex { !ArgumentTranscriber.isSpace($0) } ?? -1) + 1)])
    }

    /// What both begin with, without the beginning of a tag at its end.
    static func commonPrefix(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
        let common = Array(zip(left, right).prefix { $0 == $1 }.map(\.0))
        guard let open = common.lastIndex(where: { $0 == UInt8(ascii: "<") || $0 == UInt8(ascii: "[") }) else {
            return common
        }
        let close = common.lastIndex { $0 == UInt8(ascii: ">") || $0 == UInt8(ascii: "]") } ?? -1
        return open > close ? Array(common[..<open]) : common
    }

    /// What both end with, without the end of a tag at its beginning.
    static func commonSuffix(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
        let common = Array(zip(left.reversed(), right.reversed()).prefix { $0 == $1 }.map(\.0).reversed())
        guard let close = common.firstIndex(where: { $0 == UInt8(ascii: ">") || $0 == UInt8(ascii: "]") }) else {
            return common
        }
        let open = common.firstIndex { $0 == UInt8(ascii: "<") || $0 == UInt8(ascii: "[") } ?? common.count
        return close < open ? Array(common[(close + 1)...]) : common
    }

    private static func find(_ word: String, in bytes: [UInt8], from start: Int) -> Range<Int>? {
        let offset = bytes[start...].withUnsafeBufferPointer { ByteSearch(Array(word.utf8)).offsets(in: $0, limit: 1) }
        return offset.first.map { start + $0..<start + $0 + word.utf8.count }
    }

    /// The innermost JSON object with `word` in it that is not only a value.
    private static func object(
        in bytes: [UInt8], holding word: String, from start: Int
    ) -> (range: Range<Int>, value: JSONValue)? {
        guard let position = find(word, in: bytes, from: start) else { return nil }
        for open in bytes[start..<position.lowerBound].indices.reversed() where bytes[open] == UInt8(ascii: "{") {
            var transcriber = ArgumentTranscriber(.json)
            var output: [UInt8] = []
            for index in open..<bytes.count {
                let step = transcriber.consume(bytes[index], into: &output)
                if case .failed = step { break }
                if case .done = step {
                    guard index >= position.upperBound, let value = try? JSONParser.parse(output) else { break }
                    return (open..<index + 1, value)
                }
            }
        }
        return nil
    }
}
