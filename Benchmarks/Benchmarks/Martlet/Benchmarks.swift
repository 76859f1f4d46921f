import Benchmark
import MartletAPI
import MartletChat
import MartletJSON
import MartletProtocol
import MartletStreams

/// What one token costs on its way to a client, and what one request costs before the engine sees it.
let benchmarks: @Sendable () -> Void = {
    Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock, .throughput], timeUnits: .nanoseconds, scalingFactor: .kilo, maxDuration: .seconds(2))

    let head = ResponseHead(
        id: "chatcmpl-" + LogHead.makeID(), created: 1_700_000_000, model: "fledgling", fingerprint: "b1")
    let token = EngineEvent(GenerationHandle(rawValue: 1), .token(id: 42, text: Array(" word".utf8)[...]))
    let text = LogEvent.text(.content, token: 42, bytes: Array(" word".utf8)[...])

    Benchmark("API:ChatChunk:Encode") { benchmark in
        let view = ChatCompletionView(head: head, options: CompletionOptions(defaults: CompletionDefaults()))
        var bytes: [UInt8] = []
        for number in benchmark.scaledIterations {
            bytes.removeAll(keepingCapacity: true)
            view.encode(text, number: number, into: &bytes)
            blackHole(bytes)
        }
    }

    Benchmark("Streams:Log:AppendReadEncode") { benchmark in
        let view = ChatCompletionView(head: head, options: CompletionOptions(defaults: CompletionDefaults()))
        let log = GenerationLog(head: LogHead(created: 1, model: "fledgling"))
        var cursor = LogCursor()
        var batch = LogBatch()
        var bytes: [UInt8] = []
        for _ in benchmark.scaledIterations {
            log.append(text)
            blackHole(log.copy(from: &cursor, limit: 512, into: &batch))
            bytes.removeAll(keepingCapacity: true)
            batch.forEach { view.encode($0, number: $1, into: &bytes) }
            blackHole(bytes)
        }
    }

    Benchmark("Protocol:Frame:16Tokens") { benchmark in
        let frame = WorkerFrame.events(Array(repeating: token, count: 16))
        for _ in benchmark.scaledIterations {
            var bytes: [UInt8] = []
            try frame.encode(to: &bytes)
            var decoder = FrameDecoder()
            decoder.append(bytes)
            if let body = try decoder.next() { blackHole(try WorkerFrame(payload: body)) }
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
        for _ in benchmark.scaledIterations {
            blackHole(
                try ChatCompletionRequest(JSONParser.parse(body), defaults: CompletionDefaults(), randomSeed: 1))
        }
    }

    Benchmark("Chat:Template:50Messages", configuration: .init(timeUnits: .microseconds, scalingFactor: .one)) {
        benchmark in
        let source = try fledglingTemplate()
        let template = try ChatTemplate(source: source, beginningToken: "", endToken: "<|im_end|>")
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations { blackHole(try template.render(messages: conversation)) }
    }
}
