import MartletJSON
import MartletProtocol
import OrderedCollections

/// Reads a section of tool calls, byte by byte.
///
/// A call is told when its name is complete and was offered; its arguments follow as they come, as JSON. Until then the
/// text is kept, so that none of it is lost when it turns out to be no call.
/// - Complexity: amortised constant for a byte.
struct CallReader: Sendable {
    enum Step {
        case more
        /// The section has ended in front of these bytes, which are to be read as text.
        case ended(rest: [UInt8])
        /// It is no call: these bytes are text, and what is wrong.
        case failed(text: [UInt8], warning: String?)
    }
    /// Longest head of a call that is read.
    private static let maximumHead = 1_024
    /// Most bytes that are kept of what may yet turn out to be no call.
    private static let maximumRaw = 1 << 20
    /// Most calls of one answer.
    static let maximumCalls = 65_535

    private enum Phase {
        /// What is left of the literal that began the section or the call; `matcher` reads it.
        case opening(thenCall: Bool)
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
    private let plan: CallPlan
    private let tools: OfferedTools
    private var phase = Phase.gap
    private var matcher: LiteralMatcher
    private var object: ObjectReader
    private var transcriber = ArgumentTranscriber(.json)
    private var tagged: TaggedReader?
    /// White space and the beginning of the literal that is looked for behind a call.
    private var held: [UInt8] = []
    /// Everything since the section began or the last call was complete.
    private var raw: [UInt8]
    private var head: [UInt8] = []
    /// Whether this is a section, which may hold several calls.
    private var isSection: Bool
    /// The number of the next call of the answer.
    private(set) var nextCall: Int
    /// How many calls of this section have been told.
    private var count = 0
    /// The tool that the call being read calls, once that is known.
    private var tool: Int?
    /// Arguments that have not been handed on.
    private var output: [UInt8] = []

    /// What has begun a section.
    enum Beginning {
        case section
        case call
        /// The first byte of a call is to be read next.
        case bare
        /// A message's head that names the tool; the arguments follow.
        case messageHead([UInt8])
    }

    /// - Parameter raw: The bytes that were read already.
    init(_ plan: CallPlan, tools: OfferedTools, beginning: Beginning, raw: [UInt8], nextCall: Int) {
        self.plan = plan
        self.tools = tools
        self.raw = raw
        self.nextCall = nextCall
        matcher = LiteralMatcher([plan.openingRest])
        object = ObjectReader(plan.syntax)
        switch beginning {
        case .section:
            isSection = true
            phase = .opening(thenCall: false)
            if plan.openingRest.isEmpty { startGap() }
        case .call:
            isSection = false
            matcher = LiteralMatcher([plan.callOpeningRest])
            phase = .opening(thenCall: true)
            if plan.callOpeningRest.isEmpty { startCall() }
        case .bare:
            isSection = true
            startGap()
        case .messageHead(let bytes):
            isSection = false
            phase = .head(MarkerAutomaton.root)
            head = bytes
        }
    }

    private mutating func startGap() {
        matcher = LiteralMatcher([plan.callOpening, plan.closing])
        phase = .gap
    }

    private mutating func startCall() {
        switch plan.syntax.form {
        case .object, .nameAsKey:
            object = ObjectReader(plan.syntax)
            phase = .object
        case .headed: phase = .head(MarkerAutomaton.root)
        }
    }

    // MARK: Reading

    /// - Parameter emit: gets what is certain, in order; arguments also with `flush`.
    mutating func take(_ byte: UInt8, emit: (OutputPiece) -> Void) -> Step {
        switch phase {
        case .opening(let thenCall):
            raw.append(byte)
            switch matcher.take(byte) {
            case .more: break
            case .match: thenCall ? startCall() : startGap()
            case .mismatch: return fail(nil)
            }
            return .more
        case .gap: return takeGap(byte, emit)
        case .head(let state): return takeHead(byte, state, emit)
        case .object: return takeObject(byte, emit)
        case .arguments: return takeArguments(byte, emit)
        case .tagged: return takeTagged(byte, emit)
        case .closing: return takeClosing(byte, emit)
        }
    }

    private mutating func takeGap(_ byte: UInt8, _ emit: (OutputPiece) -> Void) -> Step {
        if matcher.isAtBeginning, plan.syntax.callOpening.isEmpty, beginsCall(byte) {
            startCall()
            return take(byte, emit: emit)
        }
        raw.append(byte)
        guard raw.count < Self.maximumRaw else { return fail(nil) }
        if matcher.isAtBeginning, ArgumentTranscriber.isSpace(byte) || isPunctuation(byte) { return .more }
        switch matcher.take(byte) {
        case .more: break
        case .match(0): startCall()
        case .match:
            guard count > 0 else { return fail("A section of tool calls has none") }
            emit(.text(.markup, raw[...]))
            return .ended(rest: [])
        case .mismatch:
            guard count > 0 else { return fail(plan.syntax.startsBare ? nil : "What was to be a tool call is none") }
            // White space and separators behind the last call belong to the section.
            let text = raw.drop { ArgumentTranscriber.isSpace($0) || isPunctuation($0) }
            let space = raw[..<text.startIndex]
            if !space.isEmpty { emit(.text(.markup, space)) }
            return .ended(rest: Array(text))
        }
        return .more
    }

    /// Whether a call without an opening of its own begins with `byte`.
    private func beginsCall(_ byte: UInt8) -> Bool {
        switch plan.syntax.form {
        case .object, .nameAsKey: byte == UInt8(ascii: "{")
        case .headed: ArgumentTranscriber.isLetter(byte)
        }
    }

    /// What stands around and between the calls of a list.
    private func isPunctuation(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ","), UInt8(ascii: ";"): true
        case UInt8(ascii: "["): plan.syntax.isList && count == 0
        case UInt8(ascii: "]"): plan.syntax.isList && count > 0
        default: false
        }
    }

    private mutating func takeHead(_ byte: UInt8, _ state: Int, _ emit: (OutputPiece) -> Void) -> Step {
        raw.append(byte)
        head.append(byte)
        guard head.count <= Self.maximumHead else { return fail("The name of a tool call does not end") }
        let next = plan.headEnd.next(state, byte)
        guard let match = plan.headEnd.match(next) else {
            phase = .head(next)
            return .more
        }
        head.removeLast(plan.headEnd.depth(next))
        return endHead(isCallEnd: match == 1, emit)
    }

    /// The head is complete: tells the call.
    mutating func endHead(isCallEnd: Bool = false, _ emit: (OutputPiece) -> Void) -> Step {
        guard case .headed(let syntax, let form) = plan.syntax.form else { return fail(nil) }
        guard let name = Self.name(in: head, syntax, among: tools) else { return failName(head) }
        head = []
        begin(name, emit)
        switch form {
        case .object: transcriber = ArgumentTranscriber(.json)
        case .python: transcriber = ArgumentTranscriber(.python, isCall: true)
        case .gemma:
            transcriber = ArgumentTranscriber(.gemma)
            _ = transcriber.take(UInt8(ascii: "{"), into: &output)
        case .tagged:
            if isCallEnd {
                output.append(contentsOf: "{}".utf8)
                endCall(emit)
                return isSection ? resumeGap() : .ended(rest: [])
            }
            tagged = plan.tagged.map {
                TaggedReader(
                    $0, callClosing: plan.callClosing, tool: name, tools: tools,
                    isInArgument: plan.headEndsWithArgument)
            }
            phase = .tagged
            return .more
        }
        if form == .python { output.append(UInt8(ascii: "{")) }
        phase = .arguments
        return .more
    }

    /// Which tool a head names.
    static func name(in head: [UInt8], _ syntax: CallHead, among tools: OfferedTools) -> Int? {
        var text = Text(String(decoding: head, as: UTF8.self), isTrusted: true)
        if !syntax.nameStart.isEmpty,
            let start = text.occurrences(
                of: Text(syntax.nameStart, isTrusted: true), limit: 1
            ).first
        {
            text = text.slice(start + syntax.nameStart.utf8.count..<text.byteCount)
        }
        text = text.stripped()
        if let number = tools.number(of: text.string) { return number }
        for stop in syntax.nameStops {
            guard let end = text.occurrences(of: Text(stop, isTrusted: true), limit: 1).first else { continue }
            if let number = tools.number(of: text.slice(0..<end).stripped().string) { return number }
        }
        return nil
    }

    private mutating func takeObject(_ byte: UInt8, _ emit: (OutputPiece) -> Void) -> Step {
        if tool == nil { raw.append(byte) }
        guard raw.count < Self.maximumRaw else { return fail("The name of a tool call does not come") }
        switch object.take(byte, into: &output) {
        case .more: return .more
        case .name(let text):
            guard let number = tools.number(of: text) else { return failName(Array(text.utf8)) }
            begin(number, emit)
            return .more
        case .end:
            guard tool != nil else { return fail(plan.syntax.startsBare ? nil : "A tool call has no name") }
            if !object.hasArguments { output.append(contentsOf: "{}".utf8) }
            endCall(emit)
            return behindCall()
        case .failed:
            if tool != nil { return breakOff(object.held + [byte], emit) }
            return fail(plan.syntax.startsBare ? nil : "What was to be a tool call is none")
        }
    }

    private mutating func takeArguments(_ byte: UInt8, _ emit: (OutputPiece) -> Void) -> Step {
        if transcriber.isAtBeginning, !ArgumentTranscriber.isSpace(byte), byte != UInt8(ascii: "{") {
            // A call without arguments.
            output.append(contentsOf: "{}".utf8)
            endCall(emit)
            if case .more = behindCall() { return take(byte, emit: emit) }
            return .ended(rest: [byte])
        }
        switch transcriber.take(byte, into: &output) {
        case .more: return .more
        case .done:
            endCall(emit)
            return behindCall()
        case .failed: return breakOff(transcriber.held + [byte], emit)
        }
    }

    private mutating func takeTagged(_ byte: UInt8, _ emit: (OutputPiece) -> Void) -> Step {
        switch tagged?.take(byte, into: &output) {
        case .more?: return .more
        case .end?:
            endCall(emit)
            return isSection ? resumeGap() : .ended(rest: [])
        case .failed(let text)?:
            flush(emit)
            return .failed(text: text, warning: brokenOff)
        case nil: return fail(nil)
        }
    }

    private mutating func takeClosing(_ byte: UInt8, _ emit: (OutputPiece) -> Void) -> Step {
        held.append(byte)
        switch matcher.take(byte) {
        case .more: return .more
        case .match:
            emit(.text(.markup, held[...]))
            held = []
            return isSection ? resumeGap() : .ended(rest: [])
        case .mismatch:
            // A model may leave the end of a call out.
            let bytes = held
            held = []
            guard isSection else { return .ended(rest: bytes) }
            _ = resumeGap()
            for (index, byte) in bytes.enumerated() {
                switch take(byte, emit: emit) {
                case .more: continue
                case .ended(let rest): return .ended(rest: rest + bytes[(index + 1)...])
                case .failed(let text, let warning):
                    return .failed(text: text + bytes[(index + 1)...], warning: warning)
                }
            }
            return .more
        }
    }

    // MARK: Calls

    private mutating func begin(_ number: Int, _ emit: (OutputPiece) -> Void) {
        if !raw.isEmpty { emit(.text(.markup, raw[...])) }
        raw = []
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

    private mutating func endCall(_ emit: (OutputPiece) -> Void) {
        flush(emit)
        emit(.callEnd(nextCall - 1))
        tool = nil
    }

    private mutating func behindCall() -> Step {
        guard !plan.callClosing.isEmpty else { return isSection ? resumeGap() : .ended(rest: []) }
        matcher = LiteralMatcher([plan.callClosing])
        phase = .closing
        return .more
    }

    private mutating func resumeGap() -> Step {
        raw = []
        startGap()
        return .more
    }

    private mutating func fail(_ warning: String?) -> Step {
        defer { raw = [] }
        return .failed(text: raw, warning: warning)
    }

    private mutating func failName(_ name: [UInt8]) -> Step {
        let shown = String(decoding: name.prefix(64), as: UTF8.self)
        return fail(plan.syntax.startsBare ? nil : "The model called a tool that was not offered: \(shown)")
    }

    private var brokenOff: String {
        "The arguments of call \(nextCall - 1) are not well-formed; what follows them is shown as text"
    }

    private mutating func breakOff(_ text: [UInt8], _ emit: (OutputPiece) -> Void) -> Step {
        flush(emit)
        return .failed(text: text, warning: brokenOff)
    }

    /// The answer is complete.
    /// - Returns: text that is no call after all.
    mutating func finish(_ emit: (OutputPiece) -> Void) -> (text: [UInt8], warning: String?) {
        if !held.isEmpty { emit(.text(.markup, held[...])) }
        if tool != nil {
            flush(emit)
            return ([], "The answer ends within the arguments of call \(nextCall - 1)")
        }
        // The beginning of a section alone is no text: some turns end with what would begin one.
        var isOnlyOpening = false
        if case .opening = phase { isOnlyOpening = matcher.isAtBeginning }
        if count > 0 || isOnlyOpening,
            isOnlyOpening || raw.allSatisfy({ ArgumentTranscriber.isSpace($0) || isPunctuation($0) })
        {
            if !raw.isEmpty { emit(.text(.markup, raw[...])) }
            return ([], nil)
        }
        return (raw, nil)
    }
}
