import MartletGenerations
import MartletModels
import MartletProtocol
import MartletTestSupport
import Synchronization
import Testing

@testable import MartletCommands
@testable import MartletPool

@Suite struct LoadRowsTests {
    /// The pieces that rows have written.
    private final class Output: Sendable {
        private let pieces = Mutex<[String]>([])
        let columns: Int

        init(columns: Int = 40) { self.columns = columns }

        func rows() -> LoadRows {
            LoadRows(columns: { [columns] in columns }) { [self] text in pieces.withLock { $0.append(text) } }
        }
        var count: Int { pieces.withLock { $0.count } }
        var text: String { pieces.withLock { $0.joined() } }

        /// The lines of a terminal that has received all pieces.
        func lines() throws -> [String] {
            var screen = TerminalScreen(columns: columns)
            // A terminal's driver makes `\r\n` of a line break.
            try screen.write(text.replacing("\r\n", with: "\n").replacing("\n", with: "\r\n"))
            return screen.lines
        }
    }

    private static func loading(_ fraction: Double) -> EngineState {
        .loading(LoadProgress(stage: .textModel, fraction: fraction))
    }

    @Test func aRowFollowsItsModelAndIsErasedWhenTheModelIsReady() throws {
        let output = Output()
        let rows = output.rows()
        rows.show(Self.loading(0), of: "tiny")
        #expect(try output.lines() == ["  0%  loading tiny"])
        rows.show(Self.loading(0.5), of: "tiny")
        #expect(try output.lines() == [" 47%  loading tiny"])
        rows.show(.ready(ModelInformation()), of: "tiny")
        #expect(try output.lines().isEmpty)
    }

    @Test func linesOfTheLogAppearAboveTheRows() throws {
        let output = Output()
        let rows = output.rows()
        rows.write("first\n")
        rows.show(Self.loading(0.5), of: "a")
        rows.show(Self.loading(1), of: "b")
        rows.write("second\nthird\n")
        #expect(try output.lines() == ["first", "second", "third", " 47%  loading a", " 95%  loading b"])
        rows.show(.failed(EngineError(.loadFailed, "no")), of: "a")
        rows.write("fourth\n")
        #expect(try output.lines() == ["first", "second", "third", "fourth", " 95%  loading b"])
        rows.finish()
        rows.show(Self.loading(0.1), of: "c")
        rows.write("fifth\n")
        #expect(try output.lines() == ["first", "second", "third", "fourth", "fifth"])
    }

    /// A refresh that changes nothing writes nothing: the row is quiet.
    @Test func onlyANewPercentageIsWritten() {
        let output = Output()
        let rows = output.rows()
        for step in 0...1_000 { rows.show(Self.loading(Double(step) / 10_000), of: "tiny") }
        #expect(output.count == 10)
    }

    @Test func aRowIsCutToTheTerminalAndHasNoControlCharacters() throws {
        let output = Output(columns: 20)
        let rows = output.rows()
        rows.show(Self.loading(0), of: "宽\u{1B}[2J字字字字字字")
        rows.show(Self.loading(0.5), of: "second")
        #expect(try output.lines().map { TextWidth.columns($0) < 20 } == [true, true])
        #expect(!output.text.contains("\u{1B}[2J"))
        rows.finish()
        #expect(try output.lines().isEmpty)
    }

    @Test func modelsOfAPoolHaveARowWhileTheyDownloadAndLoad() throws {
        let output = Output()
        let rows = output.rows()
        func status(_ phase: LifecyclePolicy.Phase, _ fraction: Double? = nil) -> ModelChange {
            let definition = ModelDefinition(
                model: RegisteredModel(name: "m", source: .cache), configuration: GenerationConfiguration(),
                plan: { () throws(ModelSourceError) in MemoryAmount(0) },
                makeWorker: { _ throws(ModelSourceError) in throw ModelSourceError("none") })
            return .status(
                ModelStatus(definition: definition, phase: phase, requests: (0, 0), fraction: fraction))
        }
        rows.show(status(.downloading))
        let file = DownloadState.File(address: "m", doneByteCount: 1, totalByteCount: 4)
        rows.show(.download(model: "m", DownloadState(files: [file])))
        #expect(try output.lines() == [" 25%  downloading m"])
        rows.show(.downloadEnded(model: "m", problem: nil))
        #expect(try output.lines().isEmpty)
        rows.show(status(.loading, 0.5))
        #expect(try output.lines() == [" 50%  loading m"])
        rows.show(status(.failed("no")))
        #expect(try output.lines().isEmpty)
    }

    @Test func pipesAndTerminalsWithoutACursorHaveNoRows() {
        let variables = ["TERM": "xterm"]
        #expect(LoadRows.arePossible(isTerminal: true) { variables[$0] })
        #expect(!LoadRows.arePossible(isTerminal: false) { variables[$0] })
        #expect(!LoadRows.arePossible(isTerminal: true) { ["TERM": "dumb"][$0] })
        #expect(!LoadRows.arePossible(isTerminal: true) { _ in nil })
    }
}
