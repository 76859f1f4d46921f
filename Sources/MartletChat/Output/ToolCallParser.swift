import MartletJSON
import MartletProtocol
import MartletText
import OrderedCollections

/// Parses a section of tool calls, byte by byte.
///
///     opening ──▶ gap ──▶ head ──▶ arguments | tagged ──▶ closing ──▶ gap ──▶ … ──▶ ended
///                  └────▶ object ───────────────────────────┘
///
/// A call is emitted when its name is complete and names an offered tool. Its arguments follow as JSON while they are
/// generated. Before that all bytes are retained in `raw`, so that no byte is lost if they are no call. A delimiter
/// that is missing or repeated is tolerated if the meaning is certain.
///
/// Invariants: a call that was emitted is never withdrawn; each `call` is followed by at most one `callEnd`; the
/// arguments so far are always the beginning of a JSON text.
/// - Complexity: amortised constant per byte.
struct ToolCallParser: Sendable {
    /// The result of a byte.
    enum Step {
        case more
        /// The section ended in front of these bytes. They are parsed as text.
        case ended(rest: [UInt8])
        case failed(Failure)
    }
    /// The bytes are no call, or the rest of a call that broke off.
    struct Failure {
        /// The bytes that become text.
        var text: [UInt8]
        /// The number of these bytes that began the section or the call, including white space in front. They are a
        /// delimiter.
        var openingCount = 0
        /// Whether the output ended within a call that had begun with a delimiter and whose name is not complete. The
        /// bytes are no text then.
        var isCut = false
        /// A sentence for the client; nil if the text is probably meant as text.
        var warning: String?
    }
    /// The delimiter with which a section began.
    enum Beginning {
        case section
        case call
        /// The next byte is the first byte of a call; there is no delimiter.
        case bare
        /// The head of a message names the tool; the arguments follow.
        case messageHead([UInt8])
    }
    /// The position within a section.
    enum Phase {
        /// Within the delimiter of the section or the call, behind its first part. `matcher` matches the rest.
        case opening(thenCall: Bool)
        /// Behind a delimiter that may be repeated. `matcher` matches it.
        case repeated(literal: [[UInt8]], then: Next)
        /// In front of a call or of the end of the section. `matcher` matches both.
        case gap
        /// Within the head of a call; the value is the automaton's state in the search for its end.
        case head(Int)
        case object
        case arguments
        case tagged
        /// In front of the closing delimiter of a call. `matcher` matches it.
        case closing
    }
    /// The part that follows a delimiter.
    enum Next {
        case gap
        case call
        case arguments
    }
    /// Most bytes of a head.
    static let maximumHead = 1_024
    /// Most bytes that are retained while it is undecided whether they are a call.
    static let maximumRaw = 1 << 20
    /// Most calls of one output. Further calls are text.
    static let maximumCalls = 65_535

    private(set) var plan: ToolCallPlan
    let tools: OfferedTools
    var phase = Phase.gap
    var matcher: LiteralMatcher
    var object: ToolCallObjectParser
    var transcriber = ArgumentTranscriber(.json)
    var tagged: TaggedArgumentParser?
    /// Bytes behind a call: white space and the beginning of a delimiter.
    var pending: [UInt8] = []
    /// All bytes since the section began or the last call ended. Empty within a call that was emitted.
    var raw: [UInt8]
    /// The number of bytes in `raw` that began the section or the call.
    var openingCount: Int
    /// The number of bytes in `raw` in front of the gap.
    var gapStart = 0
    var head: [UInt8] = []
    /// Whether this is a section, which may contain several calls.
    private(set) var isSection: Bool
    /// Whether the bracket behind a list of calls was consumed.
    var isListClosed = false
    /// The number of the next call; the first call of an output has number 0.
    var nextCall: Int
    /// The number of calls of this section that were emitted.
    var count = 0
    /// The index of the tool of the current call; nil before its name is known.
    var tool: Int?
    /// Arguments that are not emitted yet. `flush` emits them at the end of a chunk.
    var output: [UInt8] = []

    /// - Parameters:
    ///   - beginning: the delimiter that was recognised.
    ///   - raw: the bytes consumed so far, including that delimiter.
    ///   - nextCall: the number of the section's first call.
    init(_ plan: ToolCallPlan, tools: OfferedTools, beginning: Beginning, raw: [UInt8], nextCall: Int) {
        self.plan = plan
        self.tools = tools
        self.raw = raw
        self.nextCall = nextCall
        openingCount = raw.count
        matcher = LiteralMatcher([plan.openingRest])
        object = ToolCallObjectParser(plan.format)
        switch beginning {
        case .section:
            isSection = true
            phase = .opening(thenCall: false)
            if plan.openingRest.isEmpty { passRepeats(of: plan.opening, then: .gap) }
        case .call:
            isSection = false
            matcher = LiteralMatcher([plan.callOpeningRest])
            phase = .opening(thenCall: true)
            if plan.callOpeningRest.isEmpty { passRepeats(of: plan.callOpening, then: .call) }
        case .bare:
            isSection = true
            openingCount = 0
            startGap()
        case .messageHead(let bytes):
            isSection = false
            phase = .head(DelimiterAutomaton.root)
            head = bytes
        }
    }

    /// Consumes a byte. `emit` receives certain pieces in order; arguments are emitted with `flush` at the latest.
    mutating func consume(_ byte: UInt8, emit: (OutputPiece) -> Void) -> Step {
        switch phase {
        case .opening(let thenCall):
            raw.append(byte)
            switch matcher.consume(byte) {
            case .more: break
            case .match where thenCall: passRepeats(of: plan.callOpening, then: .call)
            case .match: passRepeats(of: plan.opening, then: .gap)
            case .mismatch: return fail(nil)
            }
            return .more
        case .repeated(let literal, let next): return consumeRepeated(byte, literal, next, emit)
        case .gap: return consumeGap(byte, emit)
        case .head(let state): return consumeHead(byte, state, emit)
        case .object: return consumeObject(byte, emit)
        case .arguments: return consumeArguments(byte, emit)
        case .tagged: return consumeTagged(byte, emit)
        case .closing: return consumeClosing(byte, emit)
        }
    }

    /// Consumes bytes again that were parsed as something else. Bytes behind the end of the section are returned with
    /// it.
    mutating func consume(again bytes: [UInt8], emit: (OutputPiece) -> Void) -> Step {
        for (index, byte) in bytes.enumerated() {
            switch consume(byte, emit: emit) {
            case .more: continue
            case .ended(let rest): return .ended(rest: rest + bytes[(index + 1)...])
            case .failed(var failure):
                failure.text += bytes[(index + 1)...]
                return .failed(failure)
            }
        }
        return .more
    }

    /// Continues with the format of another version of the model, behind the same opening.
    mutating func change(to other: ToolCallPlan) {
        plan = other
        head = []
        isSection = other.format.callOpening.isEmpty
        if isSection {
            startGap()
        } else {
            phase = .head(DelimiterAutomaton.root)
        }
    }

    // MARK: Calls

    /// Emits the call of the tool `number`, and the bytes in front of its arguments as a delimiter.
    /// - Parameter argumentCount: the number of last bytes in `raw` that belong to the arguments.
    mutating func begin(_ number: Int, argumentCount: Int = 0, _ emit: (OutputPiece) -> Void) {
        let front = raw.dropLast(argumentCount)
        if !front.isEmpty { emit(.text(.delimiter, front)) }
        raw = []
        openingCount = 0
        tool = number
        emit(.call(nextCall, name: tools.tools[number].name))
        nextCall += 1
        count += 1
    }

    /// Emits the arguments so far, so that they reach the client with this chunk.
    mutating func flush(_ emit: (OutputPiece) -> Void) {
        guard tool != nil, !output.isEmpty else { return }
        emit(.arguments(call: nextCall - 1, output[...]))
        output.removeAll(keepingCapacity: true)
    }

    /// Emits the end of the current call.
    mutating func endCall(_ emit: (OutputPiece) -> Void) {
        flush(emit)
        emit(.callEnd(nextCall - 1))
        tool = nil
    }

    /// Leaves a call: its closing delimiter follows if the format has one.
    mutating func behindCall() -> Step {
        guard !plan.callClosing.isEmpty else { return isSection ? resumeGap() : .ended(rest: []) }
        matcher = LiteralMatcher([plan.callClosing])
        phase = .closing
        return .more
    }

    /// Begins the next gap of the section.
    mutating func resumeGap() -> Step {
        raw = []
        openingCount = 0
        startGap()
        return .more
    }

    // MARK: Failures

    /// Gives up: the retained bytes become text.
    mutating func fail(_ warning: String?) -> Step {
        defer { raw = [] }
        return .failed(Failure(text: raw, openingCount: openingCount, warning: warning))
    }

    /// Gives up, because the head names no offered tool. At most 64 bytes of the name are part of the warning.
    mutating func failName(_ name: [UInt8]) -> Step {
        let shown = name.excerpt(bytes: 64)
        return fail(plan.format.startsBare ? nil : "The model called a tool that was not offered: \(shown)")
    }

    /// Ends a call whose arguments are malformed. The arguments so far stay; `text` becomes text.
    mutating func breakOff(_ text: [UInt8], _ emit: (OutputPiece) -> Void) -> Step {
        flush(emit)
        return .failed(
            Failure(
                text: text,
                warning:
                    "The arguments of call \(nextCall - 1) are not well-formed; the text behind them is content"))
    }

    /// Ends the output.
    /// - Returns: the bytes that are no call after all; empty if the section is complete.
    mutating func finish(_ emit: (OutputPiece) -> Void) -> Failure {
        if tool != nil {
            if !pending.isEmpty { emit(.text(.delimiter, pending[...])) }
            if tagged?.finish(into: &output) == true {
                endCall(emit)
                return Failure(text: [])
            }
            flush(emit)
            return Failure(text: [], warning: "The output ends within the arguments of call \(nextCall - 1)")
        }
        if case .closing = phase {
            if !pending.isEmpty { emit(.text(.delimiter, pending[...])) }
        } else {
            raw += pending
        }
        if count > 0, raw.allSatisfy({ ArgumentTranscriber.isSpace($0) || isPunctuation($0) }) {
            if !raw.isEmpty { emit(.text(.delimiter, raw[...])) }
            return Failure(text: [])
        }
        var failure = Failure(text: raw, openingCount: openingCount)
        if case .opening = phase { return failure }
        failure.isCut = openingCount > 0 || count > 0
        return failure
    }
}
