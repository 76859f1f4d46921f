import AsyncHTTPClient
import MartletJSON
import NIOCore
import NIOHTTP1

/// Talks to a server in OpenAI's words.
struct ChatClient: Sendable {
    /// What a server or the way to it objects, as one line.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private static let maximumReply = 4 << 20

    private let http: HTTPClient
    private let url: String
    private let key: String?

    /// - Parameter url: Without the path, such as http://127.0.0.1:8080.
    init(http: HTTPClient, url: String, key: String?) {
        self.http = http
        self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.key = key
    }

    static func makeHTTP() -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        configuration.timeout.connect = .seconds(5)
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Whether a server answers, within `timeout`.
    func isAlive(within timeout: TimeAmount) async -> Bool {
        let response = try? await http.execute(request("/health"), timeout: timeout)
        // 503 is one that still loads its model.
        return response?.status == .ok || response?.status == .serviceUnavailable
    }

    func modelNames() async throws(Failure) -> [String] {
        do {
            let response = try await http.execute(request("/v1/models"), timeout: .seconds(30))
            let body = try await response.body.collect(upTo: Self.maximumReply)
            let value = try JSONParser.parse(Array(body.readableBytesView))
            if let message = AnswerEvent.errorMessage(in: value) { throw Failure(description: message) }
            return value["data"]?.arrayValue?.compactMap { $0["id"]?.stringValue } ?? []
        } catch {
            throw failure(error)
        }
    }

    /// Waits until the server has its model.
    func waitUntilReady() async throws(Failure) {
        do {
            while try await http.execute(request("/health"), timeout: .seconds(30)).status == .serviceUnavailable {
                try await Task.sleep(for: .milliseconds(100))
            }
        } catch {
            throw failure(error)
        }
    }

    /// Sends the conversation and hands out the answer as it arrives. Cancelling the task stops the answer.
    func answer(_ conversation: Conversation, _ receive: (AnswerEvent) async -> Void) async throws(Failure) {
        var request = request("/v1/chat/completions")
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        request.body = .bytes(conversation.requestBody())
        do {
            // Until the head comes; the server sends it when it has admitted the request.
            let response = try await http.execute(request, timeout: .hours(24))
            guard response.status == .ok else {
                let body = try await response.body.collect(upTo: Self.maximumReply)
                let value = try? JSONParser.parse(Array(body.readableBytesView))
                let message = value.flatMap { AnswerEvent.errorMessage(in: $0) }
                throw Failure(description: message ?? "the server answered with status \(response.status.code)")
            }
            var parser = EventStreamParser()
            for try await buffer in response.body {
                for data in parser.feed(buffer.readableBytesView) {
                    for event in AnswerEvent.events(inChunk: data) { await receive(event) }
                }
            }
        } catch {
            throw failure(error)
        }
    }

    private func request(_ path: String) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: url + path)
        if let key { request.headers.add(name: "authorization", value: "Bearer \(key)") }
        return request
    }

    private func failure(_ error: any Error) -> Failure {
        if let failure = error as? Failure { return failure }
        if error is CancellationError || error as? HTTPClientError == .cancelled {
            return Failure(description: "stopped")
        }
        return Failure(description: "\(url) cannot be reached: \(error)")
    }
}
