import ArgumentParser
import MartletGrammar
import MartletJSON
import MartletSchema

/// `martlet schema check`: says whether answers can be held to a schema, and whether they could be a given instance.
struct SchemaCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Say whether a schema can be honoured, and test instances of it.",
        discussion: """
            INSTANCE is read as JSON, and tested as compact JSON with its members in their own order. Exits with 1 where \
            the schema is refused or the instance is not one that can be written. With --suite, FILE has lines of \
            {"name", "schema", "tests": [{"valid", "data"}]}, and figures are printed as one JSON object.
            """)

    @Argument(help: "A file with a JSON Schema, or with --suite one with many.")
    var file: String

    @Argument(help: "A file with JSON that is tested.")
    var instance: String?

    @Flag(help: "FILE holds schemas with tests, one in each line.")
    var suite = false

    @Flag(help: "With --suite: also print a line for each schema that is refused or that fails a test.")
    var details = false

    @Option(help: "What happens to keywords that cannot be honoured: strict or relaxed.")
    var mode = "strict"

    @Option(help: "White space: compact, pretty or free.")
    var whitespace = "free"

    @Option(help: "A GGUF file; with its vocabulary token masks are computed along the instances, and timed.")
    var vocabulary: String?

    func run() throws {
        guard let mode = SchemaMode(rawValue: mode), let spacing = JSONSpacing(rawValue: whitespace) else {
            throw CommandFailure.exit(
                "--mode is strict or relaxed, --whitespace is compact, pretty or free", usage: true)
        }
        let compiler = SchemaCompiler(mode: mode, spacing: spacing)
        do {
            let masks = try vocabulary.map { try MaskTimer(path: $0) }
            if suite {
                var suite = SchemaSuite(compiler: compiler, masks: masks) { line in
                    if details { Terminal.write(line + "\n") }
                }
                for line in try SmallFile.bytes(file, for: "FILE").split(separator: UInt8(ascii: "\n")) {
                    try suite.run(JSONParser.parse(line))
                }
                Terminal.write(suite.figures.text + "\n")
            } else {
                try check(compiler, masks)
            }
        } catch let error as JSONError {
            throw CommandFailure.exit("\(file) is not JSON: \(error)")
        } catch let error as SettingError {
            throw CommandFailure.exit(error)
        } catch let error as SchemaError {
            throw CommandFailure.exit(error)
        }
    }

    private func check(_ compiler: SchemaCompiler, _ masks: MaskTimer?) throws {
        let schema = try JSONParser.parse(SmallFile.bytes(file, for: "FILE"))
        let start = ContinuousClock.now
        let (grammar, warnings) = try compiler.grammar(of: schema)
        let time = ContinuousClock.now - start
        Terminal.write("The schema is honoured\(warnings.isEmpty ? "" : " in part").\n")
        for warning in warnings { Terminal.write("  \(warning)\n") }
        Terminal.write("  compiled in \(time.formatted)\n")
        guard let instance else { return }
        let bytes = try SmallFile.bytes(instance, for: "INSTANCE")
        let text: [UInt8]
        do throws(JSONError) {
            text = try JSONParser.parse(bytes).bytes
        } catch {
            throw CommandFailure.exit("\(instance) is not JSON: \(error)")
        }
        if let masks {
            let times = masks.times(along: text, grammar)
            if let longest = times.max() {
                Terminal.write("  \(times.count) masks, the longest in \(longest.formatted)\n")
            }
        }
        var matcher = GrammarMatcher(grammar)
        let count = matcher.acceptPrefix(of: text)
        if count == text.count, matcher.isComplete {
            Terminal.write("The instance can be written.\n")
            return
        }
        let before = String(decoding: text[..<count].suffix(60), as: UTF8.self)
        let after = String(decoding: text[count...].prefix(60), as: UTF8.self)
        let position = count == text.count ? "it ends too early" : "it stops at byte \(count + 1)"
        Terminal.write("The instance cannot be written: \(position).\n  \(before)\u{25B6}\(after)\n")
        throw ExitCode(1)
    }
}

extension Duration {
    fileprivate var formatted: String {
        let microseconds = Double(components.seconds) * 1e6 + Double(components.attoseconds) / 1e12
        return microseconds < 1_000
            ? "\((microseconds * 10).rounded() / 10) µs" : "\((microseconds / 10).rounded() / 100) ms"
    }
}
