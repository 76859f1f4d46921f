import MartletJSON

/// Whatever beginning of a call's arguments a client sends back, what is read of it is an object that reads as itself.
enum ArgumentsFuzz {
    static func run(_ input: [UInt8]) -> CInt {
        guard let text = String(validating: input, as: UTF8.self) else { return Verdict.ignore }
        guard let value = PartialArguments.object(beginning: text) else { return Verdict.keep }
        precondition(value.objectValue != nil, "arguments that are no object")
        var written: [UInt8] = []
        value.write(to: &written)
        let again = PartialArguments.object(beginning: String(decoding: written, as: UTF8.self))
        precondition(again == value, "whole arguments are read as something else")
        return Verdict.keep
    }
}
