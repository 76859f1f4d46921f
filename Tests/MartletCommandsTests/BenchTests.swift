import MartletJSON
import Testing

@testable import MartletCommands

@Suite struct BenchTests {
    // MARK: Where a server is

    @Test(arguments: [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"), ("http://localhost", "http://localhost:80"),
        ("HTTPS://example.org/", "https://example.org:443"), ("http://[::1]:9/v1", "http://[::1]:9"),
        ("http://host:1/api/v1/", "http://host:1/api"), ("localhost:8080", "http://localhost:8080"),
        ("localhost", "http://localhost:8080"), ("10.0.0.2:9/v1", "http://10.0.0.2:9"),
        ("[::1]/llm", "http://[::1]:8080/llm"),
    ])
    func aURLIsRead(text: String, expected: String) throws {
        #expect(try #require(BaseURL(text)).description == expected)
    }

    @Test(arguments: [
        "", "two words", "ftp://x", "http://", "http://x:0", "http://x:99999", "http://[::1", "http://x:y",
    ])
    func whatIsNoURLIsRefused(text: String) {
        #expect(BaseURL(text) == nil)
    }

    // MARK: Figures

    @Test func quantilesAreValuesThatWereMeasured() {
        let distribution = Distribution((1...100).reversed().map { Double($0) })
        #expect(distribution.quantile(0) == 1)
        #expect(distribution.quantile(0.5) == 50)
        #expect(distribution.quantile(0.95) == 95)
        #expect(distribution.quantile(0.99) == 99)
        #expect(distribution.quantile(1) == 100)
        #expect(distribution.median == 50.5)
        #expect(Distribution([]).quantile(0.5) == nil)
        #expect(Distribution([3]).quantile(0.01) == 3)
    }

    @Test func figuresHaveThreeDigitsThatCount() {
        #expect(
            [1234.5, 12.345, 1.2345, 0.12345, 0].map { NumberFormat.short($0) } == [
                "1235", "12.3", "1.23", "0.123", "0.0",
            ])
        #expect(NumberFormat.short(.infinity) == "-")
    }

    @Test func independentClientsArriveAtTheRate() {
        let times = LoadPlan.arrivalTimes(rate: 50, count: 5_000)
        #expect(times == times.sorted() && times.first == 0)
        #expect((90...110).contains(times.last ?? 0))
        #expect(times == LoadPlan.arrivalTimes(rate: 50, count: 5_000))
    }

    // MARK: Streams

    private func meter(_ chunks: [String]) -> StreamMeter {
        var meter = StreamMeter()
        for (index, chunk) in chunks.enumerated() { meter.record(chunk.utf8, at: Double(index)) }
        return meter
    }

    @Test func tokensAreEventsWithText() {
        let meter = meter([
            "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":null}}]}\n\n",
            ": ping\n\n", "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"a\"}}]}\n\n",
            "data: {\"choices\":[{\"text\": \"b\"}]}\r\n\r\n", "data: {\"choices\":[{\"text\":\"\"}]}\n\n",
            "data: {\"usage\":{\"completion_tokens\": 17}}\n\ndata: [DONE]\n\n",
        ])
        #expect(meter.times == [2, 3])
        #expect(meter.reportedCount == 17)
        #expect(meter.isComplete)
        #expect(meter.error == nil)
    }

    @Test func aStreamIsTheSameHoweverItIsCut() {
        let text =
            "data: {\"text\":\"x\"}\n\ndata: {\"text\":\"\\\"\"}\n\ndata: {\"content\":\"\",\"stop\":true,\"tokens_predicted\":2}\n\n"
        for length in 1...text.utf8.count {
            var meter = StreamMeter()
            let bytes = Array(text.utf8)
            for start in stride(from: 0, to: bytes.count, by: length) {
                meter.record(bytes[start..<min(start + length, bytes.count)], at: 1)
            }
            #expect(meter.times.count == 2 && meter.reportedCount == 2 && meter.isComplete)
        }
    }

    @Test func anErrorEventIsAFailure() {
        #expect(meter(["data: {\"error\":{\"code\":500}}\n\n"]).error == "{\"code\":500}}")
        #expect(meter(["data: {\"error\":null,\"text\":\"a\"}\n\n"]).error == nil)
    }

    // MARK: Reports

    private func result(tokens: Int, seconds: Double, failure: String? = nil) -> LoadResult {
        LoadResult([
            RequestMeasurement(
                start: 0, end: seconds, tokenTimes: (0..<tokens).map { seconds * Double($0 + 1) / Double(tokens) },
                tokenCount: tokens, failure: failure)
        ])
    }

    @Test func aRunIsSummedUp() throws {
        let result = result(tokens: 4, seconds: 2)
        #expect(result.tokensPerSecond == 2)
        #expect(result.firstToken.median == 0.5)
        #expect(result.betweenTokens.values == [0.5, 0.5, 0.5])
        let failed = self.result(tokens: 4, seconds: 2, failure: "cut")
        #expect(failed.failures == ["cut": 1] && failed.tokensPerSecond == nil)
    }

    @Test func ratiosAreThoseOfEachRun() throws {
        let arrival = LoadPlan.Arrival.closed(streams: 1)
        let ours = BenchReport.Series(
            server: "http://a:1", arrival: arrival,
            results: [result(tokens: 8, seconds: 1), result(tokens: 4, seconds: 1)])
        let theirs = BenchReport.Series(
            server: "http://b:1", arrival: arrival,
            results: [result(tokens: 4, seconds: 1), result(tokens: 4, seconds: 1)])
        let figure = try #require(LoadResult.figures.first { $0.key == "tokens_per_second" })
        #expect(BenchReport.ratios(figure, ours, theirs)?.values == [1, 2])
        let report = BenchReport(series: [ours, theirs])
        #expect(
            report.table.contains("1.50 (1.0 to 2.0)") || report.table.contains("1.5 (1.0 to 2.0)"), "\(report.table)")
        let json = report.json
        #expect(json.arrayValue?.first?["ratio"]?["tokens_per_second"]?["median"]?.doubleValue == 1.5)
        let svg = BenchPlot(report: report).svg
        #expect(svg.hasPrefix("<svg") && svg.hasSuffix("</svg>\n") && svg.contains("http://b:1"))
    }
}
