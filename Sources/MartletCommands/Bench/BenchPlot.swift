/// A report as a diagram in SVG: tokens per second of each load, and the distribution of the times between tokens.
///
/// All coordinates are pixels of a picture of 860 by 390.
struct BenchPlot {
    /// The results to draw.
    let report: BenchReport

    /// The width of the picture.
    private static let width = 860.0
    /// The width of one diagram.
    private static let panelWidth = 360.0
    /// The height of one diagram.
    private static let panelHeight = 260.0
    /// The space above the diagrams.
    private static let top = 50.0
    /// The space on the left of the first diagram.
    private static let left = 60.0
    /// The colors of the lines, in their order.
    private static let colors = ["#0b6e99", "#c4591a"]

    /// The whole document, with a legend below the two diagrams.
    var svg: String {
        let servers = report.series.map(\.server).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        var parts = [
            """
            <svg xmlns="http://www.w3.org/2000/svg" width="860" height="390" viewBox="0 0 860 390" \
            font-family="sans-serif" font-size="12">
            <rect width="860" height="390" fill="white"/>
            """
        ]
        parts += throughput(servers) + delays(servers)
        for (index, server) in servers.enumerated() {
            let y = 360.0 + Double(index) * 16
            parts.append(Self.line(Self.left, y - 4, Self.left + 20, y - 4, Self.colors[index % 2], 3))
            parts.append(Self.text(Self.left + 28, y, Self.escaped(server)))
        }
        return parts.joined(separator: "\n") + "\n</svg>\n"
    }

    /// Bars: the median of the runs, with a line from the smallest to the largest run.
    private func throughput(_ servers: [String]) -> [String] {
        guard let figure = LoadResult.figures.first(where: { $0.key == "tokens_per_second" }) else { return [] }
        let arrivals = report.series.map(\.arrival).reduce(into: [LoadPlan.Arrival]()) {
            if !$0.contains($1) { $0.append($1) }
        }
        let highest = report.series.compactMap { $0.spread(figure)?.maximum }.max() ?? 1
        let panel = Panel(x: Self.left, highest: highest)
        var parts = panel.frame(title: "tokens/s")
        let slot = Self.panelWidth / Double(max(arrivals.count, 1))
        for (position, arrival) in arrivals.enumerated() {
            let center = Self.left + slot * (Double(position) + 0.5)
            parts.append(Self.text(center, Self.top + Self.panelHeight + 18, arrival.name, anchor: "middle"))
            for (index, server) in servers.enumerated() {
                guard
                    let values = report.series.first(where: { $0.server == server && $0.arrival == arrival })?
                        .spread(figure), let median = values.median, let low = values.minimum, let high = values.maximum
                else { continue }
                let width = min(slot * 0.7 / Double(servers.count), 40)
                let x = center + (Double(index) - Double(servers.count) / 2) * width
                let y = panel.y(median)
                parts.append(
                    "<rect x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" width=\"\(Self.number(width - 2))\" "
                        + "height=\"\(Self.number(Self.top + Self.panelHeight - y))\" fill=\"\(Self.colors[index % 2])\"/>"
                )
                let middle = x + width / 2 - 1
                parts.append(Self.line(middle, panel.y(low), middle, panel.y(high), "black", 1))
            }
        }
        return parts
    }

    /// Curves of the last load. The horizontal axis is the share of all gaps between tokens, the vertical axis the gap
    /// that this share does not exceed.
    private func delays(_ servers: [String]) -> [String] {
        guard let arrival = report.series.last?.arrival else { return [] }
        let shares = stride(from: 0.0, through: 0.999, by: 0.003).map { $0 } + [0.999, 1]
        let curves = servers.map { server -> [(Double, Double)] in
            let results = report.series.first { $0.server == server && $0.arrival == arrival }?.results ?? []
            let all = Distribution(results.flatMap(\.betweenTokens.values))
            return shares.compactMap { share in all.quantile(share).map { (share, $0 * 1_000) } }
        }
        let x = Self.left * 2 + Self.panelWidth
        let panel = Panel(x: x, highest: curves.flatMap { $0 }.map(\.1).max() ?? 1)
        var parts = panel.frame(title: "ms between tokens, \(arrival.name)")
        for share in [0.0, 0.25, 0.5, 0.75, 1] {
            parts.append(
                Self.text(
                    x + share * Self.panelWidth, Self.top + Self.panelHeight + 18, "p\(Int(share * 100))",
                    anchor: "middle"))
        }
        for (index, curve) in curves.enumerated() where !curve.isEmpty {
            let points = curve.map { "\(Self.number(x + $0.0 * Self.panelWidth)),\(Self.number(panel.y($0.1)))" }
            parts.append(
                "<polyline points=\"\(points.joined(separator: " "))\" fill=\"none\" "
                    + "stroke=\"\(Self.colors[index % 2])\" stroke-width=\"2\"/>")
        }
        return parts
    }

    /// One diagram with a scale from 0 up.
    private struct Panel {
        let x: Double
        let highest: Double

        /// The vertical position of a value. Zero is at the bottom.
        func y(_ value: Double) -> Double {
            BenchPlot.top + BenchPlot.panelHeight * (1 - value / max(highest, .leastNormalMagnitude))
        }

        /// Title and five lines with their values.
        func frame(title: String) -> [String] {
            var parts = [BenchPlot.text(x, BenchPlot.top - 16, BenchPlot.escaped(title))]
            for step in 0...4 {
                let value = highest * Double(step) / 4
                parts.append(BenchPlot.line(x, y(value), x + BenchPlot.panelWidth, y(value), "#dddddd", 1))
                parts.append(BenchPlot.text(x - 6, y(value) + 4, NumberFormat.short(value), anchor: "end"))
            }
            return parts
        }
    }

    /// A line element from point to point.
    private static func line(
        _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ color: String, _ width: Int
    ) -> String {
        "<line x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" y2=\"\(number(y2))\" "
            + "stroke=\"\(color)\" stroke-width=\"\(width)\"/>"
    }

    /// A text element. `anchor` is the position of the point within the text: start, middle or end.
    private static func text(_ x: Double, _ y: Double, _ text: String, anchor: String = "start") -> String {
        "<text x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\">\(text)</text>"
    }

    /// A coordinate, rounded to a tenth of a pixel.
    private static func number(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }

    /// Text without the three characters that XML reads as syntax.
    private static func escaped(_ text: String) -> String {
        String(
            text.flatMap { character -> [Character] in
                switch character {
                case "&": Array("&amp;")
                case "<": Array("&lt;")
                case ">": Array("&gt;")
                default: [character]
                }
            })
    }
}
