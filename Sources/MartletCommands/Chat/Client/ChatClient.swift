import AsyncHTTPClient
import MartletJSON
import MartletText
import NIOCore
import NIOHTTP1

/// A client of the chat API of OpenAI and of Martlet's control commands.
///
/// Thread: any.
struct ChatClient: Sendable {
    /// An error of the server or of the connection, as one line.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private static let maximumResponseByteCount = 4 << 20

    /// The client is owned by the caller, which shuts it down.
    private let http: HTTPClient
    /// The address of the server.
    private let url: BaseURL
    /// The API key; `nil` = requests have no `Authorization` header.
    private let key: String?

    /// - Parameters:
    ///   - url: The base URL, e.g. http://127.0.0.1:8080.
    ///   - key: The API key; `nil` = none.
    init(http: HTTPClient, url: BaseURL, key: String?) {
        self.http = http
        self.url = url
        self.key = key
    }

    /// An HTTP client without redirects. The caller must shut it down.
    static func makeHTTP() -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        configuration.timeout.connect = .seconds(5)
        // A server that is not there is reported at once.
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Whether a server responds within `timeout`.
    func isAlive(within timeout: TimeAmount) async -> Bool {
        let response = try? await http.execute(request("/health"), timeout: timeout)
        // A server responds with 503 while it loads its model.
        return response?.status == .ok || response?.status == .serviceUnavailable
    }

    /// Checks that a server responds at all; any status counts.
    func connect() async throws(Failure) {
        do {
            _ = try await http.execute(request("/health"), timeout: .seconds(30))
        } catch {
            throw failure(error)
        }
    }

    /// The build of a Martlet server; `nil` if another server responds, or none within `timeout`.
    func martletBuild(within timeout: TimeAmount) async -> String? {
        guard let response = try? await http.execute(request("/api/version"), timeout: timeout),
            let body = try? await response.body.collect(upTo: 1 << 16),
            let build = (try? JSONParser.parse(Array(body.readableBytesView)))?["server"]?.stringValue,
            build.hasPrefix("martlet")
        else { return nil }
        return build
    }

    /// The names of the server's models.
    func modelNames() async throws(Failure) -> [String] { try await models().map(\.name) }

    /// The name of a model in requests; `nil` = the server does not respond, or has no model of this name.
    func servedName(of wanted: String) async -> String? {
        guard let list = try? await modelList() else { return nil }
        return ServedModels.name(of: wanted, in: list)
    }

    /// The model of a chat without a named model; `nil` = a server with one model, which needs no name.
    func defaultModel() async -> String? {
        guard let names = try? await modelNames(), names.count > 1 else { return nil }
        return names.first
    }

    /// The server's models, each with the largest number of tokens of prompt and output together, if it is known. Loaded
    /// models come first, failed ones last.
    func models() async throws(Failure) -> [(name: String, contextLength: Int?)] {
        ServedModels.all(in: try await modelList())
    }

    /// The response of `GET /v1/models`.
    private func modelList() async throws(Failure) -> JSONValue {
        do {
            let response = try await http.execute(request("/v1/models"), timeout: .seconds(30))
            let body = try await response.body.collect(upTo: Self.maximumResponseByteCount)
            let value = try JSONParser.parse(Array(body.readableBytesView))
            if let message = ErrorAdvice.line(in: value) { throw Failure(description: message) }
            return value
        } catch {
            throw failure(error)
        }
    }

    /// Requests a whole response.
    /// - Returns: The body of the response.
    func completion(of body: [UInt8]) async throws(Failure) -> JSONValue {
        do {
            let response = try await http.execute(request("/v1/chat/completions", body), timeout: .hours(24))
            guard response.status == .ok else {
                throw Failure(description: try await Self.failureMessage(in: response))
            }
            let bytes = try await response.body.collect(upTo: 256 << 20)
            return try JSONParser.parse(Array(bytes.readableBytesView))
        } catch {
            throw failure(error)
        }
    }

    /// Waits until the model is loaded, without a time limit. Polls every 100 ms.
    /// - Parameter wait: Called before each wait.
    func waitUntilReady(_ wait: () -> Void) async throws(Failure) {
        do {
            while try await http.execute(request("/health"), timeout: .seconds(30)).status == .serviceUnavailable {
                wait()
                try await Task.sleep(for: .milliseconds(100))
            }
        } catch {
            throw failure(error)
        }
    }

    /// Finds a model of the server by its name or an alias, loads it, if the server loads models by request, and waits
    /// until it is loaded.
    /// - Parameter progress: Receives the share that is loaded, from 0 to 1; `nil` = unknown.
    /// - Returns: The name of the model in requests.
    /// - Throws: If the server has no such model, the load is refused or fails, or the model is unloaded again.
    func select(_ wanted: String, progress: (Double?) -> Void) async throws(Failure) -> String {
        let list = try await modelList()
        guard let name = ServedModels.name(of: wanted, in: list) else {
            throw Failure(description: ServedModels.problem(wanted, in: list))
        }
        guard LoadState.of(name, in: list) != .loaded else { return name }
        try await load(name, progress: progress)
        return name
    }

    /// Requests the load of a model, and waits until it is loaded.
    private func load(_ model: String, progress: (Double?) -> Void) async throws(Failure) {
        do {
            let body = JSONValue.object(["model": .string(model)])
            let response = try await http.execute(request("/models/load", body.bytes), timeout: .seconds(30))
            guard response.status == .ok else {
                throw Failure(description: try await Self.failureMessage(in: response))
            }
        } catch {
            throw failure(error)
        }
        let state = try await LoadState.wait(for: model, list: modelList, progress: progress)
        if case .ended(let reason) = state { throw Failure(description: reason) }
    }

    /// Runs requests of a command, and turns their failure into the error that ends the command.
    static func attempt<Value>(_ body: () async throws(Failure) -> Value) async throws(SettingError) -> Value {
        do throws(Failure) {
            return try await body()
        } catch {
            throw SettingError(error.description)
        }
    }

    /// Sends the conversation and passes on the response as it arrives. Returns at the end of the stream.
    ///
    /// Cancelling the task closes the connection, which ends a plain generation.
    /// - Parameters:
    ///   - extra: Further members of the request, e.g. `response_format`.
    ///   - outlives: Whether the generation is resumable: it continues without the connection until `stop`.
    func stream(
        _ conversation: Conversation, extra: JSONObject = [:], outlives: Bool = false,
        _ receive: (ChatStreamEvent) async -> Void
    ) async throws(Failure) {
        var request = request("/v1/chat/completions", conversation.requestBody(extra: extra))
        if outlives { request.headers.add(name: "x-stream-resume", value: "1") }
        try await streamEvents(request, receive)
    }

    /// Passes on the events of an existing generation from the first event on.
    func stream(id: String, _ receive: (ChatStreamEvent) async -> Void) async throws(Failure) {
        try await streamEvents(request("/v1/generations/\(id)/events"), receive)
    }

    /// Sends the request and parses the event stream of the response.
    private func streamEvents(
        _ request: HTTPClientRequest, _ receive: (ChatStreamEvent) async -> Void
    ) async throws(Failure) {
        do {
            // The time limit covers the response head, which the server sends at admission.
            let response = try await http.execute(request, timeout: .hours(24))
            guard response.status == .ok else {
                throw Failure(description: try await Self.failureMessage(in: response))
            }
            await receive(.began(id: response.headers.first(name: "x-generation-id")))
            var parser = EventStreamParser()
            for try await buffer in response.body {
                for part in parser.feed(buffer.readableBytesView) {
                    let events =
                        switch part {
                        case .data(let data): ChatStreamEvent.events(inChunk: data)
                        case .comment(let comment): ChatStreamEvent.events(inComment: comment)
                        }
                    for event in events { await receive(event) }
                }
            }
        } catch {
            throw failure(error)
        }
    }

    // MARK: A running generation

    /// Sends a control command and returns its result when the command has taken effect.
    func send(_ control: ChatControl, to id: String) async throws(Failure) -> JSONValue {
        do {
            let response = try await http.execute(
                request("/v1/generations/\(id)/control", control.body.bytes), timeout: .hours(24))
            guard response.status == .ok else {
                throw Failure(description: try await Self.failureMessage(in: response))
            }
            let body = try await response.body.collect(upTo: Self.maximumResponseByteCount)
            return try JSONParser.parse(Array(body.readableBytesView))
        } catch {
            throw failure(error)
        }
    }

    /// Stops a resumable generation. Errors are ignored: the person has left, and the server's time limit applies.
    func stop(_ id: String) async {
        var request = request("/v1/generations/\(id)")
        request.method = .DELETE
        _ = try? await http.execute(request, timeout: .seconds(5))
    }

    /// The message in the body of an error response, else its status.
    private static func failureMessage(in response: HTTPClientResponse) async throws -> String {
        let body = try await response.body.collect(upTo: Self.maximumResponseByteCount)
        let value = try? JSONParser.parse(Array(body.readableBytesView))
        let message = value.flatMap { ErrorAdvice.line(in: $0) }
        return message ?? "the server responded with status \(response.status.code)"
    }

    /// A POST request with a JSON body.
    private func request(_ path: String, _ body: [UInt8]) -> HTTPClientRequest {
        var request = request(path)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        request.body = .bytes(body)
        return request
    }

    /// A GET request with the API key.
    private func request(_ path: String) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: url.description + path)
        if let key { request.headers.add(name: "authorization", value: "Bearer \(key)") }
        return request
    }

    /// One line for any error of a request.
    private func failure(_ error: any Error) -> Failure {
        if let failure = error as? Failure { return failure }
        if error is CancellationError || error as? HTTPClientError == .cancelled {
            return Failure(description: "stopped")
        }
        return Failure(description: ConnectionProblem.text(error, url: url))
    }
}
