import MartletFiles
import MartletJSON
import MartletPlatform
import MartletText
import MartletWorkers
import OrderedCollections

/// One question and its response, for scripts.
///
/// Example: `cat notes.txt | martlet chat "Summarise:"` sends the question, an empty line and the text, and prints the
/// content while it is written.
struct OneShotChat {
    /// A complete response.
    struct Reply: Sendable, Equatable {
        var text: String
        /// Whether the response ended at its limit of tokens.
        var isCutOff: Bool
    }

    /// The form of the output.
    enum Form: String, Sendable, CaseIterable {
        case text
        /// One line: model, text, reasoning, finish reason, usage and timings.
        case json
    }

    /// No further members of a request.
    static let noExtra: JSONObject = [:]

    let client: ChatClient
    var conversation: Conversation
    /// Further members of the request, e.g. `response_format`.
    let extra: JSONObject
    let form: Form

    /// The message for a question and the text of the standard input: the question comes first.
    static func message(question: String, input: String?) -> String {
        guard let input, !input.allSatisfy(\.isWhitespace) else { return question }
        return question + "\n\n" + input
    }

    /// The standard input up to its end.
    /// - Throws: If it is longer than 16 MiB or is not UTF-8.
    static func readInput() async throws(SettingError) -> String {
        let bytes = (try? await DedicatedThread.run { readAll(limit: SmallFile.maximumByteCount) }) ?? []
        guard bytes.count <= SmallFile.maximumByteCount else {
            throw SettingError("the standard input must have at most \(SmallFile.maximumByteCount) bytes")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw SettingError("the standard input must be UTF-8 text")
        }
        return text
    }

    /// Reads the standard input up to its end, or up to one byte more than `limit`. Blocks.
    private static func readAll(limit: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count <= limit {
            let count = read(STDIN_FILENO, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += buffer.prefix(count)
        }
        return bytes
    }

    /// The member `response_format` for a JSON Schema in a file; `-` is not allowed, because the input is the message's.
    static func responseFormat(schemaFile path: String) throws(SettingError) -> JSONObject {
        let schema: JSONValue
        do {
            schema = try JSONParser.parse(SmallFile.bytes(path, for: "--schema"))
        } catch let error as SettingError {
            throw error
        } catch {
            throw SettingError("--schema: \(path) is no JSON: \(error)")
        }
        return [
            "response_format": [
                "type": "json_schema", "json_schema": ["name": "response", "strict": true, "schema": schema],
            ]
        ]
    }

    /// Sends the question and prints the response.
    func run() async throws(SettingError) -> Reply {
        switch form {
        case .text: return try await Self.streamReply(client, conversation, extra: extra)
        case .json:
            let body: JSONValue
            do throws(ChatClient.Failure) {
                body = try await client.completion(of: conversation.requestBody(streams: false, extra: extra))
            } catch {
                throw SettingError(error.description)
            }
            let (object, reply) = Self.summary(of: body, hasSchema: !extra.isEmpty)
            Terminal.write(JSONValue.object(object).text + "\n")
            return reply
        }
    }

    /// The line of `-o json` for a `chat.completion`.
    /// - Parameter hasSchema: Whether the text is JSON, which the member `value` contains.
    static func summary(of body: JSONValue, hasSchema: Bool) -> (JSONObject, Reply) {
        let choice = body["choices"]?.arrayValue?.first
        let text = choice?["message"]?["content"]?.stringValue ?? ""
        let reason = choice?["finish_reason"]?.stringValue
        var object: JSONObject = ["model": body["model"] ?? .null, "text": .string(text)]
        if hasSchema { object["value"] = (try? JSONParser.parse(Array(text.utf8))) ?? .null }
        if let reasoning = choice?["message"]?["reasoning_content"], reasoning != .null {
            object["reasoning"] = reasoning
        }
        object["finish_reason"] = choice?["finish_reason"] ?? .null
        object["usage"] = body["usage"] ?? .null
        if let warnings = body["warnings"] { object["warnings"] = warnings }
        if let timings = body["timings"] { object["timings"] = timings }
        return (object, Reply(text: text, isCutOff: reason == "length"))
    }

    /// Streams the reply to a conversation and prints it. In a terminal, reasoning is shown dimmed.
    /// - Throws: If the request fails; the text so far is printed then.
    static func streamReply(
        _ client: ChatClient, _ conversation: Conversation, extra: JSONObject
    ) async throws(SettingError) -> Reply {
        let isTerminal = Terminal.isOutputTerminal
        // Programs that read the output want the content alone.
        var printer = OutputPrinter(
            showsReasoning: isTerminal,
            style: isTerminal ? TerminalStyle(environment: CurrentProcess.environment) : .plain)
        let (events, output) = AsyncStream<ChatStreamEvent>.makeStream()
        let streaming = Task { () -> ChatClient.Failure? in
            defer { output.finish() }
            do throws(ChatClient.Failure) {
                try await client.stream(conversation, extra: extra) { output.yield($0) }
                return nil
            } catch {
                return error
            }
        }
        var reply = Reply(text: "", isCutOff: false)
        var shownWarnings: [String] = []
        for await event in events {
            switch event {
            case .content(let piece): reply.text += piece
            case .finished(let reason): reply.isCutOff = reason == "length"
            case .failed(let message):
                Terminal.write(printer.end())
                throw SettingError(message)
            case .warned(let warnings):
                // Each chunk may have the same words. Standard output has the content alone.
                guard warnings != shownWarnings else { break }
                shownWarnings = warnings
                for warning in warnings {
                    Terminal.write("martlet: warning: \(warning.excerpt(bytes: 300))\n", to: STDERR_FILENO)
                }
            case .reasoning, .began, .loading, .progress, .ended, .controlApplied: break
            }
            Terminal.write(printer.print(event))
        }
        Terminal.write(printer.end())
        if let failure = await streaming.value { throw SettingError(failure.description) }
        return reply
    }
}
