import MartletJSON
import OrderedCollections

/// The results of all runs, of one server or of two.
struct BenchReport: Sendable {
    /// The runs of one load at one server.
    struct Series: Sendable {
        var server: String
        var arrival: LoadPlan.Arrival
        var results: [LoadResult] = []

        /// Median, smallest and largest of a figure over the runs.
        func spread(_ figure: LoadResult.Figure) -> Distribution? {
            let values = results.compactMap(figure.value)
            return values.isEmpty ? nil : Distribution(values)
        }
    }

    /// One series per load and server: the servers of the first load, then those of the second.
    var series: [Series]

    /// Ratios of a figure, first server to second server, run by run. Runs without the figure are left out.
    static func ratios(_ figure: LoadResult.Figure, _ ours: Series, _ theirs: Series) -> Distribution? {
        let ratios = zip(ours.results, theirs.results).compactMap { one, other -> Double? in
            guard let value = figure.value(one), let base = figure.value(other), base > 0 else { return nil }
            return value / base
        }
        return ratios.isEmpty ? nil : Distribution(ratios)
    }

    /// Each series of the first server with the series of the second server for the same load, if there is one.
    private var pairs: [(Series, Series?)] {
        let servers = series.reduce(into: OrderedSet<String>()) { $0.append($1.server) }
        let first = series.filter { $0.server == servers.first }
        return first.map { one in
            (one, series.first { $0.server != one.server && $0.arrival == one.arrival })
        }
    }

    // MARK: Table

    /// The report as text: a block per load with a row per figure. Times are in milliseconds.
    var table: String {
        var lines: [String] = []
        for (one, other) in pairs {
            let isCompared = other != nil
            lines.append("\(one.arrival.name), \(one.results.count) run\(one.results.count == 1 ? "" : "s")")
            var rows = [["", one.server] + (isCompared ? [other?.server ?? "", "ratio"] : [])]
            for figure in LoadResult.figures {
                let cells = [one, other].compactMap { $0 }.map { Self.cell($0.spread(figure), figure) }
                guard cells.contains(where: { $0 != "-" }) else { continue }
                var row = [figure.name + (figure.isTime ? " ms" : "")] + cells
                if let other { row.append(Self.spread(Self.ratios(figure, one, other), scale: 1)) }
                rows.append(row)
            }
            rows.append(
                ["failed"] + [one, other].compactMap { $0 }.map { Self.failures($0) } + (isCompared ? [""] : []))
            lines += Self.aligned(rows) + [""]
            for series in [one, other].compactMap({ $0 }) { lines += Self.reasons(series) }
            lines += Self.shortage(one)
        }
        return lines.joined(separator: "\n")
    }

    /// The cell of a figure. Times are shown in milliseconds.
    private static func cell(_ values: Distribution?, _ figure: LoadResult.Figure) -> String {
        spread(values, scale: figure.isTime ? 1_000 : 1)
    }

    /// `412 (398 to 420)`: the median and the range. One value has no range; no value is a dash.
    private static func spread(_ values: Distribution?, scale: Double) -> String {
        guard let values, let median = values.median, let low = values.minimum, let high = values.maximum else {
            return "-"
        }
        let text = NumberFormat.short(median * scale)
        return values.values.count == 1
            ? text : "\(text) (\(NumberFormat.short(low * scale)) to \(NumberFormat.short(high * scale)))"
    }

    /// `3 of 64`: failed requests and all requests.
    private static func failures(_ series: Series) -> String {
        let failed = series.results.reduce(0) { $0 + $1.failureCount }
        return "\(failed) of \(series.results.reduce(0) { $0 + $1.requestCount })"
    }

    /// The five most frequent failures; equally frequent ones by name.
    private static func reasons(_ series: Series) -> [String] {
        let all = series.results.reduce(into: [String: Int]()) { $0.merge($1.failures) { $0 + $1 } }
        return all.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(5).map {
            "\(series.server): \($0.value) × \($0.key)"
        }
    }

    /// A line about percentiles that are left out because a run has too few requests; none otherwise.
    private static func shortage(_ series: Series) -> [String] {
        guard let count = series.results.map(\.firstToken.values.count).min(), count > 0 else { return [] }
        let missing = [0.95, 0.99].filter { count < Distribution.neededCount($0) }
        guard let largest = missing.last else { return [] }
        let names = missing.map { "p\(Int(($0 * 100).rounded()))" }.joined(separator: " and ")
        return [
            "\(names) of the first token: too few requests in a run (\(count)); --requests "
                + "\(Distribution.neededCount(largest)) is enough"
        ]
    }

    /// Rows with columns as wide as their widest cell.
    private static func aligned(_ rows: [[String]]) -> [String] {
        let widths = (0..<(rows.map(\.count).max() ?? 0)).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            var line = row.enumerated().map { column, cell in
                cell + String(repeating: " ", count: widths[column] - cell.count)
            }.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return "  " + line
        }
    }

    // MARK: JSON

    /// The report for programs: an array with an object per load. Times are in seconds.
    var json: JSONValue {
        .array(
            pairs.map { one, other in
                var members: JSONObject = ["arrival": Self.json(one.arrival)]
                members["servers"] = .array([one, other].compactMap { $0 }.map { Self.json($0) })
                if let other {
                    members["ratio"] = .object(
                        LoadResult.figures.reduce(into: [:]) { ratios, figure in
                            ratios[figure.key] = Self.ratios(figure, one, other).map { Self.json($0) }
                        })
                }
                return .object(members)
            })
    }

    /// `{"streams": 16}` or `{"requests_per_second": 2.5}`.
    private static func json(_ arrival: LoadPlan.Arrival) -> JSONValue {
        switch arrival {
        case .closed(let streams): ["streams": .integer(Int64(streams))]
        case .open(let rate): ["requests_per_second": .number(rate)]
        }
    }

    /// The server's URL and an object per run with figures, counts and failures.
    private static func json(_ series: Series) -> JSONValue {
        .object([
            "url": .string(series.server),
            "runs": .array(
                series.results.map { result in
                    var members = LoadResult.figures.reduce(into: JSONObject()) { members, figure in
                        members[figure.key] = figure.value(result).map { .number($0) }
                    }
                    members["requests"] = .integer(Int64(result.requestCount))
                    members["tokens"] = .integer(Int64(result.tokenCount))
                    members["seconds"] = .number(result.duration)
                    members["failures"] = .object(
                        JSONObject(
                            uniqueKeysWithValues: result.failures.sorted { $0.key < $1.key }
                                .map { ($0.key, .integer(Int64($0.value))) }))
                    return .object(members)
                }),
        ])
    }

    /// The median and the range of ratios.
    private static func json(_ values: Distribution) -> JSONValue {
        [
            "median": .number(values.median ?? 0), "minimum": .number(values.minimum ?? 0),
            "maximum": .number(values.maximum ?? 0),
        ]
    }
}
