import MartletJSON
import MartletJinja
import OrderedCollections

/// Derives the format of tool calls from renderings of calls whose names, keys and values are known.
///
/// Used for a template that no known format fits. The synthetic names, keys and values are found in the rendered turn.
/// The text between them is sorted into the parts of a `ToolCallFormat`: text that recurs in front of each call,
/// behind each call, and between two calls.
///
///     <calls><one>probe_alpha{"argkey_one": …}</one><one>probe_beta{…}</one></calls>
///     opening callOpening name              callClosing                    closing
///
/// The result may be wrong. The caller (`ChatFormatRecognition`) parses the turns with it and rejects it unless the
/// calls come back.
struct ChatFormatAnalysis {
    /// A turn with one call; nil if the template does not render calls.
    let single: ChatFormatRecognition.CallTurn?
    /// A turn with two calls; nil if the template does not render two.
    let several: ChatFormatRecognition.CallTurn?
    /// The text that ends a turn, such as `<|im_end|>\n`. It is no part of the calls.
    let end: String

    /// The derived format; nil if no shape fits. Tried in this order: JSON objects, heads, tags.
    func format() -> ChatFormat? {
        guard let single else { return nil }
        let one = body(single.turn.text)
        let two = several.map { body($0.turn.text) }
        guard var calls = objects(one, two) ?? headed(one, two) ?? tagged(one, two) else { return nil }
        calls.allowsSeveral = several != nil
        // White space alone cannot begin a call: it would do so in any text.
        guard !ChatFormatPlan.trimmed(calls.opening + calls.callOpening).isEmpty else { return nil }
        return ChatFormat(name: "analysed", calls: calls)
    }

    /// The turn without its end.
    private func body(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        let tail = Array(end.utf8)
        return !tail.isEmpty && bytes.suffix(tail.count).elementsEqual(tail) ? Array(bytes.dropLast(tail.count)) : bytes
    }

    // MARK: Shapes

    /// Calls that are JSON objects: `{"name": …, "arguments": {…}}` or `{"NAME": {…}}`.
    private func objects(_ one: [UInt8], _ two: [UInt8]?) -> ToolCallFormat? {
        guard let first = Self.object(in: one, containing: ChatFormatRecognition.names[0], from: 0),
            let members = first.value.objectValue
        else { return nil }
        let name = members.first { $0.value.stringValue == ChatFormatRecognition.names[0] }?.key
        let arguments = members.first { Self.containsArguments($0.value) }?.key
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
        if let two, let a = Self.object(in: two, containing: ChatFormatRecognition.names[0], from: 0),
            let b = Self.object(in: two, containing: ChatFormatRecognition.names[1], from: a.range.upperBound)
        {
            between = Array(two[a.range.upperBound..<b.range.lowerBound])
        }
        return assembled(
            shape, before: one[..<first.range.lowerBound], behind: one[first.range.upperBound...], between: between)
    }

    /// Whether a member's value holds the arguments, as an object or as the text of one.
    private static func containsArguments(_ value: JSONValue) -> Bool {
        if value[ChatFormatRecognition.keys[0]] != nil { return true }
        return value.stringValue?.contains(ChatFormatRecognition.keys[0]) ?? false
    }

    /// Calls with a head: `NAME … {"key": …}`. The text between name and brace is the head's end.
    private func headed(_ one: [UInt8], _ two: [UInt8]?) -> ToolCallFormat? {
        guard let name = Self.find(ChatFormatRecognition.names[0], in: one, from: 0),
            let arguments = Self.object(in: one, containing: ChatFormatRecognition.keys[0], from: name.upperBound)
        else { return nil }
        var between: [UInt8]?
        if let two, let first = Self.object(in: two, containing: ChatFormatRecognition.texts[0], from: 0),
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

    /// Calls with tagged arguments: `NAME … KEY … VALUE …`. Both arguments must have the same text between key and
    /// value.
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

    /// Sorts the text around calls into parts that recur with each call and parts that stand once per section.
    /// - Parameter between: the text between two calls; nil if only one call was rendered. Then all text belongs to
    ///   the call.
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
        // White space alone is no delimiter of a section.
        if ChatFormatPlan.trimmed(calls.opening).isEmpty { calls.opening = "" }
        if ChatFormatPlan.trimmed(calls.closing).isEmpty { calls.closing = "" }
        return calls
    }

    /// The bytes without the white space at both ends.
    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes
        while let last = bytes.last, ArgumentTranscriber.isSpace(last) { bytes = bytes.dropLast() }
        while let first = bytes.first, ArgumentTranscriber.isSpace(first) { bytes = bytes.dropFirst() }
        return bytes
    }

    /// The text in front of each part: the common end, without leading white space, which separates parts.
    private static func opening(_ first: [UInt8], _ next: [UInt8]) -> [UInt8] {
        Array(commonSuffix(first, next).drop(while: ArgumentTranscriber.isSpace))
    }

    /// The text behind each part: the common beginning, without trailing white space, which separates parts.
    private static func closing(_ next: [UInt8], _ last: [UInt8]) -> [UInt8] {
        let common = commonPrefix(next, last)
        return Array(common[..<((common.lastIndex { !ArgumentTranscriber.isSpace($0) } ?? -1) + 1)])
    }

    /// The common beginning of both, without an incomplete tag at its end: of `<a><b>` and `<a><c>` it is `<a>`, not
    /// `<a><`.
    static func commonPrefix(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
        let common = Array(zip(left, right).prefix { $0 == $1 }.map(\.0))
        guard let open = common.lastIndex(where: { $0 == UInt8(ascii: "<") || $0 == UInt8(ascii: "[") }) else {
            return common
        }
        let close = common.lastIndex { $0 == UInt8(ascii: ">") || $0 == UInt8(ascii: "]") } ?? -1
        return open > close ? Array(common[..<open]) : common
    }

    /// The common end of both, without an incomplete tag at its beginning.
    static func commonSuffix(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
        let common = Array(zip(left.reversed(), right.reversed()).prefix { $0 == $1 }.map(\.0).reversed())
        guard let close = common.firstIndex(where: { $0 == UInt8(ascii: ">") || $0 == UInt8(ascii: "]") }) else {
            return common
        }
        let open = common.firstIndex { $0 == UInt8(ascii: "<") || $0 == UInt8(ascii: "[") } ?? common.count
        return close < open ? Array(common[(close + 1)...]) : common
    }

    /// The range of the first occurrence of `word` from `start` on. Linear in the bytes.
    private static func find(_ word: String, in bytes: [UInt8], from start: Int) -> Range<Int>? {
        let offset = bytes[start...].withUnsafeBufferPointer { ByteSearch(Array(word.utf8)).offsets(in: $0, limit: 1) }
        return offset.first.map { start + $0..<start + $0 + word.utf8.count }
    }

    /// The innermost JSON object that contains `word` and extends beyond it, with its range.
    ///
    /// Searched from the word to the left, brace by brace, so that objects around it are not found first.
    private static func object(
        in bytes: [UInt8], containing word: String, from start: Int
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
