import MartletProtocol

/// The arguments of a call, and the end of a call.
extension ToolCallParser {
    /// Consumes a byte of a call that is a JSON object with its name inside.
    mutating func consumeObject(_ byte: UInt8, _ emit: (OutputPiece) -> Void) -> Step {
        if tool == nil { raw.append(byte) }
        guard raw.count < Self.maximumRaw else {
            return fail("A tool call has no name in its first \(Self.maximumRaw) bytes")
        }
        switch object.consume(byte, into: &output) {
        case .more: return .more
        case .name(let text):
            guard let number = tools.number(of: text) else { return failName(Array(text.utf8)) }
            begin(number, emit)
            return .more
        case .end:
            guard tool != nil else { return fail(plan.format.startsBare ? nil : "A tool call has no name") }
            if !object.hasArguments { output.append(contentsOf: "{}".utf8) }
            endCall(emit)
            return behindCall()
        case .failed:
            if tool != nil { return breakOff(object.pending + [byte], emit) }
            return fail(plan.format.startsBare ? nil : "Text that begins as a tool call is not a tool call")
        }
    }

    /// Consumes a byte of arguments behind a head.
    mutating func consumeArguments(_ byte: UInt8, _ emit: (OutputPiece) -> Void) -> Step {
        if transcriber.isAtBeginning, !ArgumentTranscriber.isSpace(byte), byte != UInt8(ascii: "{") {
            // No brace follows the head: a call without arguments.
            output.append(contentsOf: "{}".utf8)
            endCall(emit)
            if case .more = behindCall() { return consume(byte, emit: emit) }
            return .ended(rest: [byte])
        }
        switch transcriber.consume(byte, into: &output) {
        case .more: return .more
        case .done:
            endCall(emit)
            return behindCall()
        case .failed: return breakOff(transcriber.pending + [byte], emit)
        }
    }

    /// Consumes a byte of tagged arguments.
    mutating func consumeTagged(_ byte: UInt8, _ emit: (OutputPiece) -> Void) -> Step {
        switch tagged?.consume(byte, into: &output) {
        case .more?: return .more
        case .end?:
            endCall(emit)
            return isSection ? resumeGap() : .ended(rest: [])
        case .endBefore(let rest)?:
            // The closing delimiter of the call is missing.
            endCall(emit)
            guard isSection else { return .ended(rest: rest) }
            _ = resumeGap()
            return consume(again: rest, emit: emit)
        case .object?:
            // The model has written JSON where tags are expected.
            tagged = nil
            transcriber = ArgumentTranscriber(.json)
            phase = .arguments
            return consume(byte, emit: emit)
        case .failed(let text)?: return breakOff(text, emit)
        case nil: return fail(nil)
        }
    }

    /// Consumes a byte behind the arguments, in front of the closing delimiter.
    mutating func consumeClosing(_ byte: UInt8, _ emit: (OutputPiece) -> Void) -> Step {
        pending.append(byte)
        switch matcher.consume(byte) {
        case .more: return .more
        case .match:
            emit(.text(.delimiter, pending[...]))
            pending = []
            return isSection ? resumeGap() : .ended(rest: [])
        case .mismatch:
            // Models omit the closing delimiter of a call.
            let bytes = pending
            pending = []
            guard isSection else { return .ended(rest: bytes) }
            _ = resumeGap()
            return consume(again: bytes, emit: emit)
        }
    }
}
