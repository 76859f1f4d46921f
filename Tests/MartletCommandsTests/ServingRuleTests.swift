import ArgumentParser
import Foundation
import Logging
import MartletJSON
import MartletModels
import MartletProtocol
import MartletSchema
import MartletTestSupport
import Synchronization
import Testing

@testable import MartletCommands

/// Rules of the parts that start a server, and of commands that validate their arguments.
@Suite struct ServingRuleTests {
    private func values(_ arguments: [String]) throws -> SettingValues {
        try SettingParser(command: .serve).parse(arguments: arguments) { _ in nil }
    }

    @Test(
        arguments: [
            ([], false), (["-m", "a"], false), (["-m", "a", "-m", "b"], true), (["--models-dir", "d"], true),
            (["--models-preset", "p"], true), (["--sleep-idle-seconds", "5"], true),
            (["--sleep-idle-seconds", "-1"], false),
            (["-m", "a", "--sleep-idle-seconds", "0"], true),
        ] as [([String], Bool)])
    func aServerOfSeveralModelsIsWantedByItsFlags(arguments: [String], isWanted: Bool) throws {
        #expect(PoolPlan.isWanted(try values(arguments)) == isWanted)
    }

    /// Any sequence of states has one result: the first `ready` or the first failure that is no shutdown.
    @Test(arguments: 0..<100) func theFirstStartHasOneResult(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let results = Mutex<[String]>([])
        let observer = StartupObserver(
            onReady: { _ in results.withLock { $0.append("ready") } },
            onFailure: { results.withLock { $0.append("failure") } })
        var expected: String?
        for _ in 0..<12 {
            let error = EngineError(Bool.random(using: &random) ? .shuttingDown : .loadFailed, "x")
            let state: EngineState = random.element(of: [
                .loading(LoadProgress(stage: .starting, fraction: 0)), .ready(.fake), .restarting(error),
                .failed(error),
            ])
            observer.engineStateChanged(state)
            guard expected == nil else { continue }
            switch state {
            case .ready: expected = "ready"
            case .failed(let error) where error.code != .shuttingDown: expected = "failure"
            default: break
            }
        }
        #expect(results.withLock { $0 } == [expected].compactMap { $0 })
        #expect((observer.failure != nil) == (expected == "failure"))
    }

    @Test(arguments: Logger.Level.allCases) func aColourEndsInItsLine(level: Logger.Level) {
        for text in ["line\n", "line", "\n", ""] {
            let colored = LineColor.applied(to: text, level: level)
            guard colored != text else {
                #expect([.info, .notice].contains(level))
                continue
            }
            #expect(
                colored.hasPrefix("\u{1B}[") && colored.hasSuffix(text.hasSuffix("\n") ? "\u{1B}[0m\n" : "\u{1B}[0m"))
        }
        #expect(LineColor.applied(to: "x\n", level: nil) == "x\n")
    }

    @Test(arguments: 0..<100) func aVariableThatNoSettingReadsIsNamedOnce(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let known = SettingTable.all.flatMap { $0.environmentNames + $0.negativeVariables }
        let chosen = (0..<6).map { _ in random.element(of: known) }
        #expect(VariableNames.notices(on: chosen + ["PATH", "HOME", "MARTLET"]).isEmpty)
        // A letter more is no setting of llama-server.
        let wrong = "LLAMA_ARG_" + random.element(of: ["CTX_SIZEE", "HOSTT", "NO_SUCH_THING", ""])
        let notices = VariableNames.notices(on: chosen + [wrong])
        #expect(notices.count == 1 && notices[0].hasPrefix("\(wrong) is not a setting"))
    }

    #if os(Linux)
        @Test func theUsageOfThisProcessIsMeasured() throws {
            let before = try #require(ProcessUsage.of(Int(getpid())))
            #expect(before.memoryMebibytes > 1 && before.processorSeconds >= 0)
            var sum = 0.0
            // Enough work for one tick of the kernel's clock, however slow the machine is.
            repeat {
                for number in 0..<100_000 { sum += Double(number).squareRoot() }
            } while try #require(ProcessUsage.of(Int(getpid()))).since(before).processorSeconds <= 0
            #expect(sum > 0)
            #expect(ProcessUsage.of(999_999_999) == nil)
        }
    #endif

    // MARK: Schemas

    @Test func aSuiteCountsWhatItsTestsShow() throws {
        let lines: [JSONValue] = [
            [
                "name": "right", "schema": ["type": "integer"],
                "tests": [["valid": true, "data": 5], ["valid": false, "data": "x"]],
            ],
            [
                "name": "wrong", "schema": ["type": "integer"],
                "tests": [["valid": true, "data": "x"], ["valid": false, "data": 5]],
            ],
            ["schema": ["type": "nothing"], "tests": [["valid": true, "data": 1]]],
        ]
        let reports = Mutex<[String]>([])
        var suite = SchemaSuite(compiler: SchemaCompiler(mode: .strict), masks: nil) { line in
            reports.withLock { $0.append(line) }
        }
        for line in lines { try suite.run(line) }
        let figures = suite.figures
        for (name, count) in [
            ("schemas", 3), ("compiled", 2), ("passed", 1), ("valid_total", 3), ("valid_accepted", 1),
            ("invalid_total", 2),
            ("invalid_accepted", 1),
        ] as [(String, Int64)] {
            #expect(figures[name] == .integer(count), "\(name)")
        }
        #expect(figures["refused"]?["type"] == 1 && figures["masks"] == nil)
        #expect(figures["compile_ms"]?["max"]?.doubleValue != nil)
        let shown = reports.withLock { $0 }
        #expect(
            shown.count == 3 && shown[0].hasPrefix("wrong: test 1 is refused at byte 1: ")
                && shown[1] == "wrong: test 2 is accepted")
        #expect(shown[2].hasPrefix("schema 3: refused: "))
        for broken: JSONValue in [
            ["schema": [:]], ["tests": []], 5, ["schema": [:], "tests": [["valid": 1, "data": 1]]],
            ["schema": [:], "tests": [["valid": true]]],
        ] {
            #expect(throws: SettingError.self) { try suite.run(broken) }
        }
    }

    // MARK: Arguments

    @Test(arguments: [
        (["--ctx-size=-1"], "--ctx-size must be from 0"), (["--parallel", "0"], "--parallel must be from 1 to 256"),
        (["--parallel", "257"], "--parallel must be"), (["-ctk", "q9"], "--cache-type-k must be one of f32, f16"),
        (["-ctv", ""], "--cache-type-v must be one of"),
        (["-ngl", "some"], "--n-gpu-layers must be a whole number, 'all'"),
        (["--n-gpu-layers=-2"], "--n-gpu-layers must be"),
    ])
    func aWrongLoadIsRefusedByItsRule(arguments: [String], beginning: String) {
        let error = #expect(throws: (any Error).self) { try LoadOptions.parse(arguments) }
        let message = error.map { LoadOptions.message(for: $0) } ?? ""
        #expect(message.contains(beginning), "\(message)")
    }

    @Test(
        arguments: [
            ([], false), (["a/b"], true), (["a/b", "-hf", "c/d"], false), (["-hf", "c/d"], true),
            (["-mu", "https://x/y.gguf"], true),
            (["-mu", "https://x/y.gguf", "-hff", "z"], false), (["a/b", "--connections", "0"], false),
            (["a/b", "--connections", "33"], false), (["a/b", "--connections", "32"], true), (["a/b", "c/d"], false),
        ] as [([String], Bool)])
    func aDownloadHasOneSource(arguments: [String], isAccepted: Bool) {
        let command = try? PullCommand.parse(arguments)
        #expect((command != nil) == isAccepted, "\(arguments)")
    }

    @Test(
        arguments: [
            ([], false), (["--ended"], true), (["--all"], true), (["3f0c"], true), (["3f0c", "notes"], true),
            (["--ended", "--all"], false),
            (["3f0c", "--all"], false),
        ] as [([String], Bool)])
    func generationsAreRemovedInOneWay(arguments: [String], isAccepted: Bool) {
        let command = try? StreamsRemoveCommand.parse(arguments)
        #expect((command != nil) == isAccepted, "\(arguments)")
    }
}
