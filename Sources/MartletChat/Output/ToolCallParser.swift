import MartletJSON
import MartletProtocol
import OrderedCollections

/// Reads a section of tool calls, byte by byte.
///
/// A call is told when its name is complete and was offered; its arguments follow as they come, as JSON. Until then the
/// text is kept, so that none of it is lost when it turns out to be no call. Delimiters that are missing or come twice
/// are passed over where what is meant is certain.
/// - Complexity: amortised constant for a byte.
struct ToolCallParser: Sendable {
    enum Step {
        case more
        /// The section has ended in front of these bytes, which are to be read as text.
        case ended(rest: [UInt8])
        case failed(Failure)
    }
    /// It is no call, or no more of one.
    struct Failure {
        /// Bytes that are text.
        var text: [UInt8]
        /// How many of them began the section or the call, white space in front included.
        var openingCount = 0
        var warning: String?
    }
    /// What has begun a section.
    enum Beginning {
        case section
        case call
        /// The first byte of a call is to be read next.
        case bare
        /// A message's head that names the tool; the arguments follow.
        case messageHead([UInt8])
    }
    enum Phase {
        /// What is left of the literal that began the section or the call; `matcher` reads it.
        case opening(thenCall: Bool)
        /// Behind a literal that may come once more; `matcher` reads it.
        case repeated(literal: [[UInt8]], then: Next)
        /// In front of a call, or of the end of the section; `matcher` reads either.
        case gap
        /// The state of the search for its end.
        case head(Int)
        case object
        case arguments
        case tagged
        /// In front of the end of a call; `matcher` reads it.
        case closing
    }
    /// What follows a literal.
    enum Next {
        case gap
        case call
        case arguments
    }
    /// Longest head of a call that is read.
    static let maximumHead = 1_024
    /// Most bytes that are kept of what may yet turn out to be no call.
    static let maximumRaw = 1 << 20
    /// Most calls of one answer.
    static let maximumCalls = 65_535

    private(set) var plan: ToolCallPlan
    let tools: OfferedTools
    var phase = Phase.gap
    var matcher: LiteralMatcher
    var object: ToolCallObjectParser
    var transcriber = ArgumentTranscriber(.json)
    var tagged: TaggedArgumentParser?
    /// White space and the beginning of the literal that is looked for behind a call, or once more.
    var pending: [UInt8] = []
    /// Everything since the section began or the last call was complete.
    var raw: [UInt8]
    /// How many of these bytes began the section or the call, and how many stand in front of the gap.
    var openingCount: Int
    var gapStart = 0
    var head: [UInt8] = []
    /// Whether this is a section, which may hold several calls.
    private(set) var isSection: Bool
    /// Whether the bracket behind a list of calls has come.
    var isListClosed = false
    /// The number of the next call of the answer.
    var nextCall: Int
    /// How many calls of this section have been told.
    var count = 0
    /// The tool that the call being read calls, once that is known.
    var tool: Int?
    /// Arguments that have not been handed on.
    var output: [UInt8] = []

    /// - Parameter raw: The bytes that were read already.
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

    /// - Parameter emit: gets what is certain, in order; arguments also with `flush`.
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

    /// Takes bytes again that were read as something else.
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

    /// Goes on in the form of another version of the model, whose first byte behind the opening is read next.
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

    /// - Parameter argumentCount: How many of the bytes so far begin the arguments.
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

    /// Hands on the arguments so far.
    mutating func flush(_ emit: (OutputPiece) -> Void) {
        guard tool != nil, !output.isEmpty else { return }
        emit(.arguments(call: nextCall - 1, output[...]))
        output.removeAll(keepingCapacity: true)
    }

    mutating func endCall(_ emit: (OutputPiece) -> Void) {
        flush(emit)
        emit(.callEnd(nextCall - 1))
        tool = nil
    }

    mutating func behindCall() -> Step {
        guard !plan.callClosing.isEmpty else { return isSection ? resumeGap() : .ended(rest: []) }
        matcher = LiteralMatcher([plan.callClosing])
        phase = .closing
        return .more
    }

    mutating func resumeGap() -> Step {
        raw = []
        openingCount = 0
        startGap()
        return .more
    }

    // MARK: Failures

    mutating func fail(_ warning: String?) -> Step {
        defer { raw = [] }
        return .failed(Failure(text: raw, openingCount: openingCount, warning: warning))
    }

    mutating func failName(_ name: [UInt8]) -> Step {
        let shown = String(decoding: name.prefix(64), as: UTF8.self)
        return fail(plan.format.startsBare ? nil : "The model called a tool that was not offered: \(shown)")
    }

    mutating func breakOff(_ text: [UInt8], _ emit: (OutputPiece) -> Void) -> Step {
        flush(emit)
        return .failed(
            Failure(
                text: text,
                warning:
                    "The arguments of call \(nextCall - 1) are not well-formed; what follows them is shown as text"))
    }

    /// The answer is complete.
    /// - Returns: text that is no call after all.
    mutating func finish(_ emit: (OutputPiece) -> Void) -> Failure {
        if tool != nil {
            if !pending.isEmpty { emit(.text(.delimiter, pending[...])) }
            if tagged?.finish(into: &output) == true {
                endCall(emit)
                return Failure(text: [])
            }
            flush(emit)
            return Failure(text: [], warning: "The answer ends within the arguments of call \(nextCall - 1)")
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
        return Failure(text: raw, openingCount: openingCount)
    }
}
