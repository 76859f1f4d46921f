import ArgumentParser
import MartletGrammar
import MartletJSON
import MartletSchema
import MartletText

/// `martlet schema check`: reports whether output can follow a schema, and whether an instance follows it.
///
/// Example: `martlet schema check person.json anna.json` prints
///
///     The schema is honoured.
///       compiled in 412.5 µs
///     The instance can be written.
///
/// The exit code is 1 if the schema is refused or the instance does not follow it.
struct SchemaCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check whether a schema is supported, and test an instance of it.",
        discussion: """
            INSTANCE is tested as compact JSON with its members in the order of the file. The exit code is 1 if the schema \
            is refused or the instance does not follow it. With --suite each line of FILE is an object \
            {"name", "schema", "tests": [{"valid", "data"}]}, and the result is one JSON object.
            """)

    @Argument(
        help: "A file with a JSON Schema; - is standard input. With --suite, a file with many.", completion: .file())
    var file: String

    @Argument(help: "A file with the JSON to test.", completion: .file())
    var instance: String?

    @Flag(help: "FILE has a schema with tests in each line.")
    var suite = false

    @Flag(help: "With --suite: also print a line for each refused schema and each failed test.")
    var details = false

    @Option(help: "Treatment of unsupported keywords: strict refuses them, relaxed leaves them out.")
    var mode = "strict"

    @Option(help: "White space in the output: compact, pretty or free.")
    var whitespace = "free"

    @Option(
        help: "A GGUF file whose vocabulary is used to compute and time token masks along the instances.",
        completion: .file())
    var vocabulary: String?

    /// Checks one schema or a suite. Each kind of error ends with one line on standard error.
    func run() throws {
        if file == "-", instance == "-" {
            throw CommandFailure.exit("only one of FILE and INSTANCE may be -", usage: true)
        }
        guard let mode = SchemaMode(rawValue: mode), let spacing = JSONSpacing(rawValue: whitespace) else {
            throw CommandFailure.exit(
                "--mode must be strict or relaxed, and --whitespace compact, pretty or free", usage: true)
        }
        let compiler = SchemaCompiler(mode: mode, spacing: spacing)
        do {
            let masks = try vocabulary.map { try MaskTimer(path: $0) }
            if suite {
                var suite = SchemaSuite(compiler: compiler, masks: masks) { line in
                    if details { Terminal.write(line + "\n") }
                }
                for line in try SmallFile.bytes(Self.path(file), for: "FILE").split(separator: UInt8(ascii: "\n")) {
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

    /// The path of a file; `-` is the standard input.
    private static func path(_ name: String) -> String { name == "-" ? "/dev/stdin" : name }

    /// Checks one schema and, if there is one, one instance.
    private func check(_ compiler: SchemaCompiler, _ masks: MaskTimer?) throws {
        let schema = try JSONParser.parse(SmallFile.bytes(Self.path(file), for: "FILE"))
        let start = ContinuousClock.now
        let (grammar, warnings) = try compiler.grammar(of: schema)
        let time = ContinuousClock.now - start
        Terminal.write("The schema is honoured\(warnings.isEmpty ? "" : " in part").\n")
        for warning in warnings { Terminal.write("  \(warning)\n") }
        Terminal.write("  compiled in \(time.formatted)\n")
        guard let instance else { return }
        let bytes = try SmallFile.bytes(Self.path(instance), for: "INSTANCE")
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
        let after = text[count...].excerpt(bytes: 60)
        let position = count == text.count ? "it ends too early" : "it stops at byte \(count + 1)"
        Terminal.write("The instance cannot be written: \(position).\n  \(before)\u{25B6}\(after)\n")
        throw ExitCode(1)
    }
}

extension Duration {
    /// Microseconds below a millisecond, else milliseconds.
    fileprivate var formatted: String {
        let microseconds = Double(components.seconds) * 1e6 + Double(components.attoseconds) / 1e12
        return microseconds < 1_000
            ? "\((microseconds * 10).rounded() / 10) µs" : "\((microseconds / 10).rounded() / 100) ms"
    }
}
