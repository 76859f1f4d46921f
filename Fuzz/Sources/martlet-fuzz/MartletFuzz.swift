import CLibFuzzer

/// `martlet-fuzz TARGET [libFuzzer's flags] [FOLDER…]`: new inputs go to the first folder.
@main
enum MartletFuzz {
    static func main() {
        var count = CommandLine.argc - 1
        guard count >= 1, let name = CommandLine.arguments.dropFirst().first,
            let target = FuzzTarget(rawValue: name)
        else {
            print("usage: martlet-fuzz TARGET [flags] [folder…]")
            print("targets: \(FuzzTarget.allCases.map(\.rawValue).joined(separator: ", "))")
            return
        }
        // libFuzzer takes the first argument for the program's name.
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv + 1
        _ = LLVMFuzzerRunDriver(&count, &arguments, target.callback)
    }
}

/// What can be fuzzed. Each takes bytes as an attacker would send them and stops the process when a promise is broken.
enum FuzzTarget: String, CaseIterable {
    case json
    case jinja
    case frames
    case requests
    case fields
    case messages
    case output
    case grammar
    case encodedGrammar
    case schema
    case pattern
    case journals
    case gguf
    case bodies
    case arguments

    /// A C function, which cannot capture: hence one for each target.
    var callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt {
        switch self {
        case .json: { JSONFuzz.run(bytes($0, $1)) }
        case .jinja: { TemplateFuzz.run(bytes($0, $1)) }
        case .frames: { FrameFuzz.run(bytes($0, $1)) }
        case .requests: { RequestFuzz.run(bytes($0, $1)) }
        case .fields: { RequestFuzz.runFields(bytes($0, $1)) }
        case .messages: { MessageFuzz.run(bytes($0, $1)) }
        case .output: { OutputFuzz.run(bytes($0, $1)) }
        case .grammar: { GrammarFuzz.run(bytes($0, $1)) }
        case .encodedGrammar: { GrammarFuzz.runEncoded(bytes($0, $1)) }
        case .schema: { SchemaFuzz.run(bytes($0, $1)) }
        case .pattern: { SchemaFuzz.runPattern(bytes($0, $1)) }
        case .journals: { JournalFuzz.run(bytes($0, $1)) }
        case .gguf: { GGUFFuzz.run(bytes($0, $1)) }
        case .bodies: { BodyFuzz.run(bytes($0, $1)) }
        case .arguments: { ArgumentsFuzz.run(bytes($0, $1)) }
        }
    }
}

/// What a target says of an input: whether it is worth keeping in the corpus.
enum Verdict {
    static let keep: CInt = 0
    static let ignore: CInt = -1
}

private func bytes(_ start: UnsafePointer<UInt8>?, _ count: Int) -> [UInt8] {
    Array(UnsafeBufferPointer(start: start, count: count))
}
