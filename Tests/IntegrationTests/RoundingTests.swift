import Foundation
import MartletJSON
import MartletPlatform
import MartletTestSupport
import Testing

/// A long response that a new worker continues has the logits of the undisturbed one, to the last bit.
///
/// The text alone would show a difference of rounding only where two tokens are almost equally likely.
@Suite(.serialized, .timeLimit(.minutes(15))) struct RoundingTests {
    private static let micro = MartletProcess.repository.appending(".deps/test-models/micro.gguf").string
    private static let tokenCount: Int64 = 500

    private struct Response: Equatable {
        var text = ""
        var logprobs: [String] = []

        init(_ events: [String]) throws {
            let data = events.flatMap { $0.split(separator: "\n") }.filter { $0.hasPrefix("data: ") }.map(String.init)
            text = try StreamedText(data).text
            for event in data where event.hasPrefix("data: {") {
                let chunk = try JSONParser.parse(Array(event.dropFirst("data: ".count).utf8))
                for choice in chunk["choices"]?.arrayValue ?? [] {
                    let tokens = choice["logprobs"]?["content"]?.arrayValue ?? []
                    logprobs += tokens.compactMap { $0["logprob"]?.text }
                }
            }
        }
    }

    private static func body(_ number: Int64) -> JSONValue {
        [
            "messages": [["role": "user", "content": .string("Story \(number)")]], "max_tokens": .integer(tokenCount),
            "ignore_eos": true, "temperature": number % 2 == 0 ? 0 : 0.8, "seed": .integer(number), "logprobs": true,
            "stream": true,
        ]
    }

    private static func begin(_ number: Int64, on server: Server) async throws -> RawConnection {
        let connection = try await server.connect()
        try await connection.send(
            "POST", "/v1/chat/completions", headers: [("X-Stream-Resume", "1")], body: body(number).text)
        #expect(try await connection.readHead().status == 200)
        return connection
    }

    /// F32 weights, more than 512 cells, other streams beside, and a worker that dies in the middle.
    @Test(
        .enabled(if: FileManager.default.fileExists(atPath: micro), "no random models here"), arguments: ["on", "off"])
    func aNewWorkerContinuesWithTheSameLogits(flashAttention: String) async throws {
        let flags = ["--model", Self.micro, "--flash-attn", flashAttention, "--ctx-size", "2048", "--parallel", "4"]
        try await Server.run(flags) { server in
            var alone: [Response] = []
            for number: Int64 in 0..<2 {
                alone.append(try Response(await Self.begin(number, on: server).readEvents()))
                #expect(alone.last?.logprobs.count == Int(Self.tokenCount))
            }
            var streams: [(connection: RawConnection, events: [String])] = []
            for number: Int64 in 0..<3 { streams.append((try await Self.begin(number, on: server), [])) }
            while streams[0].events.count < 350 {
                streams[0].events.append(try #require(try await streams[0].connection.readEvent()))
            }
            kill(try await server.worker(), SIGKILL)
            for number in 0..<2 {
                let response = try Response(streams[number].events + (await streams[number].connection.readEvents()))
                #expect(response.text == alone[number].text)
                let first = zip(response.logprobs, alone[number].logprobs).enumerated().first { $1.0 != $1.1 }
                #expect(first == nil, "stream \(number) departs at token \(first?.offset ?? 0)")
                #expect(response.logprobs.count == Int(Self.tokenCount))
            }
        }
    }
}
