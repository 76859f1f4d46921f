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
        // libFuzzer regards the first argument as the program's name.
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv + 1
        _ = LLVMFuzzerRunDriver(&count, &arguments, target.callback)
    }
}

/// The fuzz targets. Each receives bytes as an attacker would send them, and traps if a promise is broken.
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
    case cachefiles
    case conversations
    case gguf
    case bodies
    case chunks
    case arguments
    case presets

    /// A C function cannot capture, so each target has a closure of its own.
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
        case .cachefiles: { CacheFileFuzz.run(bytes($0, $1)) }
        case .conversations: { ConversationFuzz.run(bytes($0, $1)) }
        case .gguf: { GGUFFuzz.run(bytes($0, $1)) }
        case .bodies: { BodyFuzz.run(bytes($0, $1)) }
        case .chunks: { ChunkFuzz.run(bytes($0, $1)) }
        case .arguments: { ArgumentsFuzz.run(bytes($0, $1)) }
        case .presets: { PresetFuzz.run(bytes($0, $1)) }
        }
    }
}

/// The result of a target for libFuzzer: whether the input may enter the corpus.
enum CorpusDecision {
    static let accept: CInt = 0
    static let reject: CInt = -1
}

private func bytes(_ start: UnsafePointer<UInt8>?, _ count: Int) -> [UInt8] {
    Array(UnsafeBufferPointer(start: start, count: count))
}
