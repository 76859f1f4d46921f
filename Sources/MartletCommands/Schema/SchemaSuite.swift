import MartletGrammar
import MartletJSON
import MartletSchema
import MartletText
import OrderedCollections

/// Compiles schemas, tests their instances, and counts the results (`martlet schema check --suite`).
struct SchemaSuite {
    /// The compiler with mode and white space of the flags.
    private let compiler: SchemaCompiler
    /// `nil` = no masks are computed.
    private let masks: MaskTimer?
    /// Receives lines about refused schemas and failed tests.
    private let report: (String) -> Void
    /// The number of schemas so far.
    private var schemas = 0
    /// The number of schemas that were compiled.
    private var compiled = 0
    /// The number of schemas of which all tests passed.
    private var passed = 0
    /// The number of refused schemas for each reason.
    private var refused: [String: Int] = [:]
    /// The number of valid documents, and the number of valid documents that the grammar accepts.
    private var valid = (total: 0, accepted: 0)
    /// The number of invalid documents, and the number of invalid documents that the grammar accepts.
    private var invalid = (total: 0, accepted: 0)
    /// The time that each compiled schema took.
    private var compileTimes: [Duration] = []
    /// The number of steps that each compiled schema took.
    private var compileSteps: [Int] = []
    /// The time that each mask took.
    private var maskTimes: [Duration] = []

    /// - Parameter report: Receives a line for each refused schema and each failed test.
    init(compiler: SchemaCompiler, masks: MaskTimer?, report: @escaping (String) -> Void) {
        self.compiler = compiler
        self.masks = masks
        self.report = report
    }

    /// Compiles one schema and tests its instances.
    /// - Parameter entry: A line of the file: `{"name", "schema", "tests": [{"valid", "data"}]}`.
    /// - Throws: If `schema`, `tests` or a member of a test is missing. A refused schema is a result, not an error.
    mutating func run(_ entry: JSONValue) throws(SettingError) {
        guard let members = entry.objectValue, let schema = members["schema"],
            let tests = members["tests"]?.arrayValue
        else { throw SettingError("FILE: a line needs 'schema' and 'tests'") }
        let name = members["name"]?.stringValue ?? "schema \(schemas + 1)"
        var cases: [(isValid: Bool, text: [UInt8])] = []
        for test in tests {
            guard let isValid = test["valid"]?.boolValue, let data = test.objectValue?["data"] else {
                throw SettingError("FILE: a test of '\(name)' needs 'valid' and 'data'")
            }
            cases.append((isValid, data.bytes))
        }
        schemas += 1
        valid.total += cases.count { $0.isValid }
        invalid.total += cases.count { !$0.isValid }
        let budget = CompileBudget()
        defer { compileSteps.append(budget.usedSteps) }
        let start = ContinuousClock.now
        do throws(SchemaError) {
            let grammar = try compiler.grammar(of: schema, budget: budget).grammar
            compileTimes.append(ContinuousClock.now - start)
            compiled += 1
            test(name, cases, grammar)
        } catch {
            compileTimes.append(ContinuousClock.now - start)
            refused[error.keyword.isEmpty ? "\(error.kind)" : error.keyword, default: 0] += 1
            report("\(name): refused: \(error)")
        }
    }

    /// Runs a grammar over each instance. The schema passes if every valid instance is accepted and no other one.
    private mutating func test(_ name: String, _ cases: [(isValid: Bool, text: [UInt8])], _ grammar: Grammar) {
        var isRight = true
        for (number, (isValid, text)) in cases.enumerated() {
            if isValid, let masks { maskTimes += masks.times(along: text, grammar) }
            var matcher = GrammarMatcher(grammar)
            let count = matcher.acceptPrefix(of: text)
            let isAccepted = count == text.count && matcher.isComplete
            if isAccepted { if isValid { valid.accepted += 1 } else { invalid.accepted += 1 } }
            guard isAccepted != isValid else { continue }
            isRight = false
            let rest = text[count...].excerpt(bytes: 40)
            report("\(name): test \(number + 1) is \(isValid ? "refused at byte \(count + 1): \(rest)" : "accepted")")
        }
        if isRight { passed += 1 }
    }

    /// The counts and times of all schemas so far. Times of compilation are in milliseconds, of masks in microseconds.
    var figures: JSONValue {
        var keywords = JSONObject()
        for (keyword, count) in refused.sorted(by: { $0.key < $1.key }) { keywords[keyword] = .integer(Int64(count)) }
        var figures: JSONObject = [
            "schemas": .integer(Int64(schemas)), "compiled": .integer(Int64(compiled)),
            "passed": .integer(Int64(passed)), "refused": .object(keywords),
            "valid_total": .integer(Int64(valid.total)), "valid_accepted": .integer(Int64(valid.accepted)),
            "invalid_total": .integer(Int64(invalid.total)), "invalid_accepted": .integer(Int64(invalid.accepted)),
            "compile_ms": Self.summary(compileTimes, unit: .milliseconds(1)),
            "compile_steps": Self.summary(compileSteps.map { .microseconds($0) }, unit: .microseconds(1)),
        ]
        if masks != nil {
            figures["masks"] = .integer(Int64(maskTimes.count))
            figures["mask_us"] = Self.summary(maskTimes, unit: .microseconds(1))
        }
        return .object(figures)
    }

    /// Mean, quantiles and maximum of times, in `unit`; null if there are none.
    private static func summary(_ times: [Duration], unit: Duration) -> JSONValue {
        guard !times.isEmpty else { return .null }
        let sorted = times.sorted()
        func number(_ time: Duration) -> JSONValue { .number((time / unit * 1_000).rounded() / 1_000) }
        func quantile(_ part: Double) -> JSONValue {
            number(sorted[min(Int(Double(sorted.count) * part), sorted.count - 1)])
        }
        return [
            "mean": number(times.reduce(.zero, +) / times.count), "p50": quantile(0.5), "p95": quantile(0.95),
            "p99": quantile(0.99), "max": quantile(1),
        ]
    }
}
