import MartletJSON
import OrderedCollections

/// Parses a call that is a JSON object, with members for name and arguments in any order.
///
///     {"name": "get_weather", "arguments": {"city": "Oslo"}}   ->   name("get_weather"), arguments {"city":"Oslo"}
///
/// Arguments in front of the name are buffered until the name is known. Other members are parsed and ignored.
struct ToolCallObjectParser: Sendable {
    /// The result of a byte.
    enum Step {
        case more
        case name(String)
        case end
        case failed
    }
    /// The position within the object.
    private enum State {
        case start
        case keyOrEnd
        case key
        case colon
        case value(Member)
        case commaOrEnd
    }
    /// The member whose value is being parsed.
    private enum Member {
        case name
        case arguments
        /// Arguments as a string that contains JSON, as OpenAI's API writes them.
        case argumentText
        case other
    }

    private let shape: ToolCallFormat.Shape
    private var state = State.start
    private var transcriber = ArgumentTranscriber(.json)
    /// The bytes of a key, or of a value that is not streamed.
    private var scratch: [UInt8] = []
    /// Arguments that came before the name.
    private var early: [UInt8] = []
    private var hasName = false
    private(set) var hasArguments = false

    /// Whether an unknown member before the name shows that the object is no call. For formats without delimiters.
    private let isStrict: Bool

    init(_ format: ToolCallFormat) {
        shape = format.shape
        isStrict = format.startsBare
    }

    /// Bytes that were consumed and are not in the output. They become text if the call fails.
    var pending: [UInt8] { transcriber.pending }

    /// Consumes a byte. Arguments are appended to `output` once the name is known.
    mutating func consume(_ byte: UInt8, into output: inout [UInt8]) -> Step {
        switch state {
        case .start:
            if ArgumentTranscriber.isSpace(byte) { return .more }
            guard byte == UInt8(ascii: "{") else { return .failed }
            state = .keyOrEnd
        case .keyOrEnd:
            if ArgumentTranscriber.isSpace(byte) { return .more }
            if byte == UInt8(ascii: "}") { return .end }
            guard byte == UInt8(ascii: "\"") else { return .failed }
            scratch.removeAll(keepingCapacity: true)
            transcriber = ArgumentTranscriber(.json)
            state = .key
            _ = transcriber.consume(byte, into: &scratch)
        case .key:
            switch transcriber.consume(byte, into: &scratch) {
            case .more: break
            case .done: state = .colon
            case .failed: return .failed
            }
        case .colon:
            if ArgumentTranscriber.isSpace(byte) { return .more }
            guard byte == UInt8(ascii: ":") else { return .failed }
            return beginValue()
        case .value(let member): return consumeValue(byte, member, &output)
        case .commaOrEnd:
            if ArgumentTranscriber.isSpace(byte) { return .more }
            if byte == UInt8(ascii: "}") { return .end }
            guard byte == UInt8(ascii: ",") else { return .failed }
            state = .keyOrEnd
        }
        return .more
    }

    /// Chooses how the value is parsed, by its key.
    private mutating func beginValue() -> Step {
        guard let key = try? JSONParser.parse(scratch).stringValue else { return .failed }
        scratch.removeAll(keepingCapacity: true)
        transcriber = ArgumentTranscriber(.json)
        switch shape {
        case .nameAsKey:
            guard !hasName else { return .failed }
            hasName = true
            state = .value(.arguments)
            return .name(key)
        case .object(let name, let arguments, _):
            // Models mix up the keys of different formats.
            switch key {
            case name, "name": state = .value(hasName ? .other : .name)
            case arguments, "arguments", "parameters": state = .value(hasArguments ? .other : .arguments)
            case "type", "id": state = .value(.other)
            default:
                if isStrict, !hasName { return .failed }
                state = .value(.other)
            }
        case .headed: return .failed
        }
        return .more
    }

    /// Consumes a byte of a value. Arguments that begin with a quote are the text of an object.
    private mutating func consumeValue(_ byte: UInt8, _ member: Member, _ output: inout [UInt8]) -> Step {
        switch member {
        case .name, .other: return consumeScratch(byte, member, &output)
        case .argumentText: return consumeScratch(byte, member, &output)
        case .arguments:
            if transcriber.isAtBeginning, !ArgumentTranscriber.isSpace(byte), byte != UInt8(ascii: "{") {
                state = .value(.argumentText)
                return consumeScratch(byte, .argumentText, &output)
            }
            hasArguments = true
            let step = hasName ? transcriber.consume(byte, into: &output) : transcriber.consume(byte, into: &early)
            switch step {
            case .more: return .more
            case .done: state = .commaOrEnd
            case .failed: return .failed
            }
            return .more
        }
    }

    /// Consumes a byte of a buffered value.
    private mutating func consumeScratch(_ byte: UInt8, _ member: Member, _ output: inout [UInt8]) -> Step {
        switch transcriber.consume(byte, into: &scratch) {
        case .more: return .more
        case .failed: return .failed
        case .done(let isConsumed):
            state = .commaOrEnd
            let step = endScratch(member, &output)
            if isConsumed { return step }
            guard case .more = step else { return .failed }
            return consume(byte, into: &output)
        }
    }

    /// Ends a buffered value: the name, or arguments as text.
    private mutating func endScratch(_ member: Member, _ output: inout [UInt8]) -> Step {
        guard let value = try? JSONParser.parse(scratch) else { return .failed }
        switch member {
        case .name:
            guard let name = value.stringValue else { return .failed }
            hasName = true
            output.append(contentsOf: early)
            early = []
            return .name(name)
        case .argumentText:
            // The string contains the object, or nothing.
            let text = value.stringValue.map { Array($0.utf8) } ?? []
            let isBlank = text.allSatisfy(ArgumentTranscriber.isSpace)
            guard value == .null || isBlank || (try? JSONParser.parse(text))?.objectValue != nil else { return .failed }
            hasArguments = true
            let bytes = isBlank ? Array("{}".utf8) : text
            if hasName { output.append(contentsOf: bytes) } else { early.append(contentsOf: bytes) }
            return .more
        case .arguments, .other: return .more
        }
    }
}
