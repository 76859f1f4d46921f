import MartletTestSupport
import Testing

@testable import MartletCommands

/// Rules of the figures that `martlet bench` prints and draws.
@Suite struct BenchPropertyTests {
    private func values(_ random: inout SeededGenerator, count: Int) -> [Double] {
        (0..<count).map { _ in Double.random(in: 0.001...50, using: &random) }
    }

    @Test(arguments: 0..<100) func aQuantileIsTheSmallestValueThatTheShareDoesNotExceed(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let values = values(&random, count: Int.random(in: 1...60, using: &random))
        let distribution = Distribution(values)
        for share in [0, 0.01, 0.5, 0.95, 0.99, 1] {
            let quantile = try #require(distribution.quantile(share))
            let reached = values.filter { $0 <= quantile }.count
            #expect(Double(reached) >= share * Double(values.count) - 1e-9)
            let below = values.filter { $0 < quantile }.count
            #expect(below == 0 || Double(below) < share * Double(values.count))
        }
        let median = try #require(distribution.median)
        #expect(values.filter { $0 < median }.count <= values.count / 2)
        #expect(values.filter { $0 > median }.count <= values.count / 2)
        #expect(distribution.minimum == values.min() && distribution.maximum == values.max())
    }

    @Test func noValuesHaveNoFigures() {
        let none = Distribution([])
        #expect(none.median == nil && none.minimum == nil && none.maximum == nil && none.quantile(0.5) == nil)
        #expect(NumberFormat.milliseconds(nil) == "-")
        #expect(NumberFormat.short(.infinity) == "-" && NumberFormat.short(.nan) == "-")
    }

    @Test(arguments: 0..<100) func aNumberInATableIsRightToThreeDigits(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        for magnitude in [1.0, 10, 100, 1_000, 1e6] {
            let value = Double.random(in: 1...10, using: &random) * magnitude
            let text = NumberFormat.short(value)
            let shown = try #require(Double(text))
            #expect(abs(shown - value) <= value * 0.006, "\(value) is shown as \(text)")
            #expect(!text.contains("e"))
        }
    }

    @Test func anOpenLoopHasItsRateAndItsSeed() {
        let times = LoadPlan.arrivalTimes(rate: 20, count: 4_000)
        #expect(times.first == 0)
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
        let rate = Double(times.count - 1) / (times.last ?? 0)
        #expect(abs(rate - 20) < 1.5)
        #expect(times == LoadPlan.arrivalTimes(rate: 20, count: 4_000))
        #expect(LoadPlan.arrivalTimes(rate: 1, count: 0).isEmpty)
    }

    /// A report of two servers with random results, and sometimes failures.
    private func report(seed: Int, servers: [String]) -> BenchReport {
        var random = SeededGenerator(seed: UInt64(seed))
        let arrivals: [LoadPlan.Arrival] = [.closed(streams: 1), .closed(streams: 16), .open(rate: 2.5)]
        return BenchReport(
            series: arrivals.flatMap { arrival in
                servers.map { server in
                    BenchReport.Series(
                        server: server, arrival: arrival,
                        results: (0..<Int.random(in: 1...4, using: &random)).map { _ in
                            LoadResult(
                                (0..<5).map { number in
                                    let count = Int.random(in: 1...20, using: &random)
                                    return RequestMeasurement(
                                        start: Double(number), end: Double(number) + 3,
                                        tokenTimes: (0..<count).map { Double(number) + 0.1 + Double($0) * 0.1 },
                                        tokenCount: count,
                                        failure: Int.random(in: 0..<8, using: &random) == 0 ? "cut <here>" : nil)
                                })
                        })
                }
            })
    }

    @Test(arguments: 0..<30) func aTableHasARowForEachFigureInColumnsThatAlign(seed: Int) {
        let report = report(seed: seed, servers: ["http://a:1", "http://b:22"])
        let blocks = report.table.split(separator: "\n\n")
        for block in blocks where block.contains("tokens/s") {
            let rows = block.split(separator: "\n").filter { $0.hasPrefix("  ") }
            #expect(rows.contains { $0.hasPrefix("  failed") })
            // The second column begins at the same position in all rows.
            let starts = rows.compactMap { row -> Int? in
                let name = row.dropFirst(2).range(of: "  ") ?? row.startIndex..<row.startIndex
                let rest = row[name.upperBound...]
                guard let first = rest.firstIndex(where: { $0 != " " }) else { return nil }
                return row.distance(from: row.startIndex, to: first)
            }
            #expect(Set(starts).count == 1, "\(block)")
        }
        #expect(!blocks.isEmpty)
    }

    @Test(arguments: 0..<30) func everythingThatIsDrawnIsInThePicture(seed: Int) throws {
        let svg = BenchPlot(report: report(seed: seed, servers: ["http://a:1/?x=<&>", "http://b:2"])).svg
        #expect(svg.contains("x=&lt;&amp;&gt;") && !svg.contains("<&>"))
        for line in svg.split(separator: "\n") {
            for (attribute, limit) in [("x", 860.0), ("x1", 860), ("x2", 860), ("y", 390), ("y1", 390), ("y2", 390)] {
                guard let value = number(of: attribute, in: line) else { continue }
                #expect((0...limit).contains(value), "\(line)")
            }
            if line.hasPrefix("<rect x"), let height = number(of: "height", in: line) {
                #expect(height >= 0, "\(line)")
            }
        }
        #expect(svg.split(separator: "<polyline").count == 3, "one curve for each server")
    }

    /// The number of an attribute of an SVG element.
    private func number(of attribute: String, in line: Substring) -> Double? {
        guard let range = line.range(of: " \(attribute)=\"") else { return nil }
        return Double(line[range.upperBound...].prefix { $0 != "\"" })
    }
}

extension StringProtocol where SubSequence == Substring {
    /// The first occurrence of a text.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
