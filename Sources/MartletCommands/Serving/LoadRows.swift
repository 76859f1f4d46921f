import MartletModels
import MartletPool
import MartletProtocol
import MartletText
import Synchronization

/// The live rows of `martlet serve` at a terminal: one row for each model that loads or downloads, below the log.
///
/// Example: ` 42%  loading qwen3-0.6b`. A row is rewritten when its percentage changes, and erased when the model is ready or
/// has failed; the log then has the result. A line of the log is written above the rows: `write(_:)` erases the rows, writes
/// the line, and writes the rows again, in one piece.
///
/// Rows have no colour, and there are none on a pipe or on a terminal without a cursor (`TERM=dumb`).
///
/// Thread: any. The lock is held while a piece is queued, so that pieces do not mix; the writer never waits for the terminal.
final class LoadRows: Sendable {
    /// A model that loads or downloads.
    private struct Row: Equatable {
        var name: String
        var activity: String
        var percent: Int
    }

    /// The rows on the terminal, the oldest first.
    private struct State {
        var rows: [Row] = []
        /// The number of rows that the terminal shows.
        var shownCount = 0
        /// Whether the server ends, after which no row appears.
        var isFinished = false
    }

    private let state = Mutex(State())
    /// The columns of the terminal.
    private let columns: @Sendable () -> Int
    /// Queues text for the terminal.
    private let output: @Sendable (String) -> Void

    /// - Parameters:
    ///   - columns: Returns the present width of the terminal.
    ///   - output: Writes to standard error without waiting; a test replaces it.
    init(columns: @escaping @Sendable () -> Int, output: @escaping @Sendable (String) -> Void) {
        self.columns = columns
        self.output = output
    }

    /// Whether a standard error can show rows: it is a terminal that can move its cursor.
    static func arePossible(isTerminal: Bool, environment: (String) -> String?) -> Bool {
        isTerminal && TerminalStyle.hasCursor(environment: environment)
    }

    // MARK: Changes

    /// Shows the state of the engine of a server with one model.
    func show(_ engineState: EngineState, of name: String) {
        switch engineState {
        case .loading(let progress): set(name, "loading", progress.composite)
        case .ready, .failed: remove(name)
        // The next state is that of the successor's load.
        case .restarting: break
        }
    }

    /// Shows a change of the models of a server with several models.
    func show(_ change: ModelChange) {
        switch change {
        case .status(let status):
            switch status.phase {
            case .loading: set(status.name, "loading", status.fraction ?? 0)
            case .downloading: set(status.name, "downloading", status.fraction ?? 0)
            default: remove(status.name)
            }
        case .download(let name, let download): set(name, "downloading", download.fraction)
        case .downloadEnded(let name, _): remove(name)
        case .removed, .reloaded: break
        }
    }

    /// Writes lines above the rows.
    /// - Parameter text: Lines with their line breaks.
    func write(_ text: String) {
        state.withLock { state in output(Self.erasure(state) + text + shown(&state)) }
    }

    /// Erases the rows. No row appears afterwards.
    func finish() {
        state.withLock { state in
            let erasure = Self.erasure(state)
            (state.rows, state.shownCount, state.isFinished) = ([], 0, true)
            if !erasure.isEmpty { output(erasure) }
        }
    }

    // MARK: Rows

    private func set(_ name: String, _ activity: String, _ fraction: Double) {
        let percent = min(100, max(0, Int(fraction * 100)))
        change { rows in
            let row = Row(name: name, activity: activity, percent: percent)
            if let index = rows.firstIndex(where: { $0.name.hasSameBytes(as: name) }) {
                rows[index] = row
            } else {
                rows.append(row)
            }
        }
    }

    private func remove(_ name: String) { change { rows in rows.removeAll { $0.name.hasSameBytes(as: name) } } }

    /// Changes the rows, and writes them again if they differ.
    private func change(_ body: (inout [Row]) -> Void) {
        state.withLock { state in
            guard !state.isFinished else { return }
            let before = state.rows
            body(&state.rows)
            guard state.rows != before else { return }
            output(Self.erasure(state) + shown(&state))
        }
    }

    /// The sequence that erases the shown rows. The cursor stands at the end of the last one before, and where the first one
    /// began afterwards.
    private static func erasure(_ state: State) -> String {
        guard state.shownCount > 0 else { return "" }
        return "\r" + (state.shownCount > 1 ? "\u{1B}[\(state.shownCount - 1)A" : "") + "\u{1B}[J"
    }

    /// The text of all rows. The terminal must wrap none, so a row has fewer characters than columns.
    private func shown(_ state: inout State) -> String {
        let columns = columns()
        state.shownCount = state.rows.count
        return state.rows.map { Self.text($0, columns: columns) }.joined(separator: "\r\n")
    }

    /// Example: ` 42%  loading qwen3-0.6b`.
    private static func text(_ row: Row, columns: Int) -> String {
        let percent = String(row.percent)
        let text =
            String(repeating: " ", count: max(0, 3 - percent.count)) + percent + "%  \(row.activity) "
            + row.name.printable
        var width = 0
        return String(
            text.prefix { character in
                width += CharacterWidth.columns(character)
                return width < columns
            })
    }
}
