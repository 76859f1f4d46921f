import Benchmark
import CAllocations
import MartletAPI
import MartletChat
import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams

private let allocations = BenchmarkMetric.custom("Allocations", useScalingFactor: false)

extension Benchmark {
    /// Runs a benchmark, which fails if it allocates memory more often than `limit`.
    fileprivate func count(limit: Int, _ body: () throws -> Void) rethrows {
        let before = martlet_allocation_count()
        try body()
        let count = Int(martlet_allocation_count() - before)
        measurement(allocations, count)
        if count > limit { error("over the limit: \(name) asks for memory \(count) times, and \(limit) are allowed") }
    }
}

/// The views whose streams have a state, and the allocations that 1,000 events may make.
private func foldingViews(_ head: ResponseHead) -> [(name: String, view: any FoldingView, limit: Int)] {
    let options = CompletionOptions(defaults: CompletionDefaults())
    return [
        ("MessagesEvent", MessagesView(head: head, options: options), 10),
        ("ResponsesEvent", ResponsesView(head: head, options: options, body: ["model": "m", "input": "hi"]), 1_100),
        ("OllamaLine", OllamaView(head: head, options: options, form: .chat), 10),
    ]
}

/// An event that begins an item, and one within the item.
private let foldedParts: [(name: String, events: [LogEvent])] = {
    func text(_ channel: OutputChannel) -> LogEvent { .text(channel, token: 42, bytes: Array(" word".utf8)[...]) }
    return [
        ("Text", [text(.content), text(.content)]), ("Reasoning", [text(.reasoning), text(.reasoning)]),
        (
            "Arguments",
            [.call(0, name: "get_weather"), .arguments(call: 0, token: 42, bytes: Array("\"Oslo\"".utf8)[...])]
        ),
    ]
}()

/// The cost of a token on its way to a client, and of a request before the engine receives it.
///
/// Allocations do not depend on the clock and have fixed limits, in the token benchmarks per 1,000 tokens.
let benchmarks: @Sendable () -> Void = {
    Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock, .throughput, allocations], timeUnits: .nanoseconds, scalingFactor: .kilo,
        maxDuration: .seconds(2))

    let head = ResponseHead(
        id: "chatcmpl-" + LogHead.makeID(), created: 1_700_000_000, model: "fledgling", fingerprint: "b1")
    let token = EngineEvent(GenerationHandle(rawValue: 1), .token(id: 42, text: Array(" word".utf8)[...]))
    let text = LogEvent.text(.content, token: 42, bytes: Array(" word".utf8)[...])

    Benchmark("API:ChatChunk:Encode") { benchmark in
        let view = ChatCompletionView(head: head, options: CompletionOptions(defaults: CompletionDefaults()))
        var bytes: [UInt8] = []
        benchmark.count(limit: 10) {
            for number in benchmark.scaledIterations {
                bytes.removeAll(keepingCapacity: true)
                view.encode(text, number: number, into: &bytes)
                blackHole(bytes)
            }
        }
    }

    // One event of a stream with a state, in the middle of its item.
    for (name, view, limit) in foldingViews(head) {
        for (part, events) in foldedParts {
            Benchmark("API:\(name):\(part)") { benchmark in
                let log = GenerationLog(head: LogHead(created: 1, model: "fledgling"))
                let history = LogHistory(of: log)
                var state = ViewState()
                var bytes: [UInt8] = []
                view.encode(events[0], number: 0, state: &state, history: history, into: &bytes)
                benchmark.startMeasurement()
                benchmark.count(limit: limit) {
                    for number in benchmark.scaledIterations {
                        bytes.removeAll(keepingCapacity: true)
                        view.encode(events[1], number: number + 1, state: &state, history: history, into: &bytes)
                        blackHole(bytes)
                    }
                }
            }
        }
    }

    Benchmark("Streams:Log:AppendReadEncode") { benchmark in
        let view = ChatCompletionView(head: head, options: CompletionOptions(defaults: CompletionDefaults()))
        let log = GenerationLog(head: LogHead(created: 1, model: "fledgling"))
        var cursor = LogCursor()
        var batch = LogBatch()
        var bytes: [UInt8] = []
        benchmark.count(limit: 1_100) {
            for _ in benchmark.scaledIterations {
                log.append(text)
                blackHole(log.copy(from: &cursor, limit: 512, into: &batch))
                bytes.removeAll(keepingCapacity: true)
                batch.forEach { view.encode($0, number: $1, into: &bytes) }
                blackHole(bytes)
            }
        }
    }

    // One measurement is one frame, so the 0th percentile is the fastest frame.
    for (name, parser) in [("Text", nil), ("Parsed", ContentParser())] as [(String, ContentParser?)] {
        Benchmark(
            "Streams:Registry:Receive:64\(name)",
            configuration: .init(timeUnits: .nanoseconds, scalingFactor: .one, maxIterations: 20_000)
        ) { benchmark in
            let load = try RegistryLoad(sequences: 64, parser: parser)
            // The first frames make room in the logs.
            for _ in 0..<100 { load.receive() }
            benchmark.startMeasurement()
            // Room for tokens is made now and then; each frame has two arrays of its own.
            benchmark.count(limit: 1_000) {
                for _ in benchmark.scaledIterations { load.receive() }
            }
        }
    }

    Benchmark("Protocol:Frame:16Tokens") { benchmark in
        let frame = WorkerFrame.events(Array(repeating: token, count: 16))
        try benchmark.count(limit: 6_100) {
            for _ in benchmark.scaledIterations {
                var bytes: [UInt8] = []
                try frame.encode(to: &bytes)
                var decoder = FrameDecoder()
                decoder.append(bytes)
                if let body = try decoder.next() { blackHole(try WorkerFrame(payload: body)) }
            }
        }
    }

    let conversation = (0..<50).map { index -> JSONValue in
        [
            "role": index.isMultiple(of: 2) ? "user" : "assistant",
            "content": .string("Message \(index): the quick brown fox jumps over the lazy dog."),
        ]
    }
    let request: JSONValue = ["model": "fledgling", "messages": .array(conversation), "stream": true]
    let body = request.bytes

    Benchmark("API:ChatRequest:50Messages", configuration: .init(timeUnits: .microseconds, scalingFactor: .one)) {
        benchmark in
        try benchmark.count(limit: 500) {
            for _ in benchmark.scaledIterations {
                blackHole(
                    try ChatCompletionRequest(JSONParser.parse(body), defaults: CompletionDefaults(), randomSeed: 1))
            }
        }
    }

    Benchmark("Chat:Template:50Messages", configuration: .init(timeUnits: .microseconds, scalingFactor: .one)) {
        benchmark in
        let source = try fledglingTemplate()
        let template = try ChatTemplate(source: source, beginningToken: "", endToken: "<|im_end|>")
        benchmark.startMeasurement()
        try benchmark.count(limit: 700) {
            for _ in benchmark.scaledIterations { blackHole(try template.render(messages: conversation)) }
        }
    }

    // The output parser, token by token, for 20,000 tokens: a microsecond for each is 20,000 in all.
    let words = (0..<20_000).map { Array(($0.isMultiple(of: 12) ? "word\n" : "word ").utf8)[...] }
    let call = (
        start: Array("<tool_call>\n{\"name\": \"write\", \"arguments\": {\"text\": \"".utf8)[...],
        end: Array("\"}}\n</tool_call>".utf8)[...]
    )
    let tools = OfferedTools([
        OfferedTools.Tool(name: "write", parameters: ["type": "object", "properties": ["text": ["type": "string"]]])
    ])
    for (name, limit, start, end) in [
        ("Text", 41_000, [][...], [][...]), ("Arguments", 1_800, call.start, call.end),
    ] {
        Benchmark(
            "Chat:Output:\(name):20000Tokens", configuration: .init(timeUnits: .microseconds, scalingFactor: .one)
        ) { benchmark in
            let format = PreparedChatFormat(ChatFormat.all[0])
            benchmark.startMeasurement()
            benchmark.count(limit: limit) {
                for _ in benchmark.scaledIterations {
                    var parser = OutputParser(format, tools: tools)
                    parser.append(start) { blackHole($0) }
                    for word in words { parser.append(word) { blackHole($0) } }
                    parser.append(end) { blackHole($0) }
                    parser.finish { blackHole($0) }
                }
            }
        }
    }
}
