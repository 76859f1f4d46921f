import ArgumentParser
import MartletJSON
import NIOCore
import NIOPosix
import NIOSSL
import OrderedCollections

/// `martlet bench`: measures any server that streams completions as OpenAI or llama-server do.
///
/// Example: `martlet bench --streams 1,16 --tokens 64 --compare http://127.0.0.1:8081` prints for each load a table
/// with a row per figure, such as `tokens/s  412 (398 to 420)  377 (370 to 381)  1.09 (1.07 to 1.10)`: first server,
/// second server, ratio. The exit code is 1 if a request failed.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure a server under load, or two servers alternately.",
        discussion: """
            Closed loop: --streams N begins a request whenever one has ended, so N run at once. Open loop: --rate R begins R \
            requests per second whether or not others have ended, and times count from the moment a request was due.

            A figure is the median of all runs, followed by the smallest and the largest value. With --compare each run \
            measures both servers, one after the other, and a ratio compares the two results of one run.
            """)

    @Argument(help: "The server's base URL.")
    var url = "http://127.0.0.1:8080"

    @Option(help: "The base URL of a second server. Both are measured alternately.")
    var compare: String?

    @Option(name: .customLong("streams"), help: "Number of streams at once; several numbers with commas between them.")
    var streams = "1"

    @Option(help: "Requests per second, instead of --streams; several numbers with commas between them.")
    var rate: String?

    @Option(help: "Requests per run. Default: 4 per stream, or the requests of 4 seconds.")
    var requests: Int?

    @Option(help: "Runs per load.")
    var runs = 3

    @Option(help: "Tokens per completion.")
    var tokens = 128

    @Option(help: "The text at the end of each prompt. Each prompt begins with another number, so that all differ.")
    var prompt = "Tell a story about a bird that never lands."

    @Option(help: "Repetitions of the text, for long prompts.")
    var repeatPrompt = 1

    @Flag(help: "Request chat completions instead of text completions.")
    var chat = false

    @Option(help: "The model name in requests.")
    var model: String?

    @Option(help: "An API key for both servers.")
    var apiKey: String?

    @Option(help: "A JSON object whose members are added to each request; {} for servers that reject unknown fields.")
    var fields = #"{"temperature": 0, "ignore_eos": true, "cache_prompt": false}"#

    @Option(help: "Seconds after which a request counts as failed.")
    var timeout = 300

    @Option(help: "The server's process number: measures memory and CPU time, child processes included (Linux).")
    var process: Int?

    @Option(help: "The process number of the second server.")
    var compareProcess: Int?

    @Flag(help: "Print JSON instead of a table.")
    var json = false

    @Option(help: "Also write a diagram in SVG to this file.", completion: .file())
    var plot: String?

    /// Validates all flags before the first request, then measures, prints and plots.
    func run() async throws {
        let servers: [Server]
        let plans: [LoadPlan]
        do throws(SettingError) {
            servers = try self.servers()
            plans = try arrivals().map { arrival throws(SettingError) in try plan(arrival) }
        } catch {
            throw CommandFailure.exit(error, usage: true)
        }
        CurrentProcess.prepare()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let usesTLS = servers.contains { $0.url.usesTLS }
        let runner = LoadRunner(
            group: group, tls: usesTLS ? try NIOSSLContext(configuration: .makeClientConfiguration()) : nil)
        if let problem = await ChatServer.problem(of: servers.map(\.url), key: apiKey) {
            try await group.shutdownGracefully()
            throw CommandFailure.exit(problem)
        }
        let report = await measure(plans, servers, runner)
        try await group.shutdownGracefully()
        print(json ? report.json.text : report.table)
        if let plot {
            do {
                try SmallFile.write(BenchPlot(report: report).svg, to: plot, for: "--plot")
                // Standard output may be JSON.
                Terminal.write("The diagram is in \(plot).\n", to: 2)
            } catch {
                throw CommandFailure.exit(error)
            }
        }
        if report.series.contains(where: { $0.results.contains { $0.failureCount > 0 } }) { throw ExitCode(1) }
    }

    /// A server under measurement.
    private struct Server {
        var url: BaseURL
        /// The process for memory and CPU time; `nil` = these are not measured.
        var process: Int?
    }

    /// Warms each server up with two requests, then measures the runs of all plans.
    private func measure(_ plans: [LoadPlan], _ servers: [Server], _ runner: LoadRunner) async -> BenchReport {
        var report = BenchReport(
            series: plans.flatMap { plan in
                servers.map { BenchReport.Series(server: $0.url.description, arrival: plan.arrival) }
            })
        var offset = 0
        for (index, plan) in plans.enumerated() {
            var warmUp = plan
            warmUp.requestCount = min(plan.requestCount, 2)
            for server in servers { _ = await runner.run(warmUp, at: server.url, offset: offset) }
            offset += 2
            for run in 0..<runs {
                // Alternating order: each server is first equally often, so that a drift of the machine affects both.
                let runOrder = run % 2 == 0 ? Array(servers.indices) : servers.indices.reversed()
                for position in runOrder {
                    let server = servers[position]
                    let before = server.process.flatMap { ProcessUsage.of($0) }
                    var result = await runner.run(plan, at: server.url, offset: offset)
                    if let before, let process = server.process {
                        result.usage = ProcessUsage.of(process)?.since(before)
                    }
                    report.series[index * servers.count + position].results.append(result)
                }
                offset += plan.requestCount
            }
        }
        return report
    }

    // MARK: Flags as values

    /// The first server, and the second one of `--compare`.
    private func servers() throws(SettingError) -> [Server] {
        func parse(_ text: String, _ name: String) throws(SettingError) -> BaseURL {
            guard let url = BaseURL(text) else {
                throw SettingError("\(name) must be a server's URL such as http://127.0.0.1:8080, not '\(text)'")
            }
            return url
        }
        var servers = [Server(url: try parse(url, "the first argument"), process: process)]
        if let compare { servers.append(Server(url: try parse(compare, "--compare"), process: compareProcess)) }
        guard servers.count == 1 || servers[0].url != servers[1].url else {
            throw SettingError("--compare must be another server, not '\(url)' again")
        }
        return servers
    }

    /// The loads: `--rate` if it is set, else `--streams`. Rates are up to 100,000, streams up to 10,000.
    private func arrivals() throws(SettingError) -> [LoadPlan.Arrival] {
        if let rate {
            return try list(rate, "--rate") { text in
                Double(text).flatMap { $0 > 0 && $0 <= 100_000 ? .open(rate: $0) : nil }
            }
        }
        return try list(streams, "--streams") { text in
            Int(text).flatMap { (1...10_000).contains($0) ? .closed(streams: $0) : nil }
        }
    }

    /// Reads numbers with commas between them.
    private func list(
        _ text: String, _ name: String, _ parse: (Substring) -> LoadPlan.Arrival?
    ) throws(SettingError) -> [LoadPlan.Arrival] {
        var values: [LoadPlan.Arrival] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let value = parse(part) else { throw SettingError("\(name) must be numbers above 0, not '\(part)'") }
            values.append(value)
        }
        return values
    }

    /// The requests of one load. Each number is from 1 to 1,000,000.
    private func plan(_ arrival: LoadPlan.Arrival) throws(SettingError) -> LoadPlan {
        for (name, value) in [
            ("--runs", runs), ("--tokens", tokens), ("--repeat-prompt", repeatPrompt), ("--timeout", timeout),
            ("--requests", requests ?? 1),
        ]
        where !(1...1_000_000).contains(value) {
            throw SettingError("\(name) must be a whole number from 1 to 1000000, not \(value)")
        }
        guard let extra = (try? JSONParser.parse(Array(fields.utf8)))?.objectValue else {
            throw SettingError("--fields must be a JSON object, not '\(fields)'")
        }
        let text = String(repeating: prompt + " ", count: repeatPrompt)
        let count: Int =
            switch arrival {
            case .closed(let streams): streams * 4
            case .open(let rate): max(Int(rate * 4), 1)
            }
        return LoadPlan(
            arrival: arrival, requestCount: requests ?? count,
            route: chat ? "/v1/chat/completions" : "/v1/completions",
            body: { [chat, tokens, model] number in
                let prompt = "\(number). \(text)"
                var body: JSONObject = [
                    "stream": true, "max_tokens": .integer(Int64(tokens)), "stream_options": ["include_usage": true],
                ]
                if chat {
                    body["messages"] = [["role": "user", "content": .string(prompt)]]
                } else {
                    body["prompt"] = .string(prompt)
                }
                if let model { body["model"] = .string(model) }
                body.merge(extra) { $1 }
                return JSONValue.object(body).bytes
            },
            headers: apiKey.map { [("Authorization", "Bearer \($0)")] } ?? [], timeout: .seconds(timeout))
    }
}
