import ArgumentParser
import MartletJSON
import MartletPlatform
import OrderedCollections

/// The flags that `martlet chat` and `martlet run` share.
struct ChatOptions: ParsableArguments {
    @Option(name: .customLong("system"), help: "The system message.")
    var system: String?

    @Option(name: [.customShort("o"), .long], help: "The form of the response to a question: text or json.")
    var output = "text"

    @Option(help: "A file with a JSON Schema that the response must follow.", completion: .file())
    var schema: String?

    @Option(
        name: .customLong("set"),
        help: "A setting of requests: NAME=VALUE, e.g. max_tokens=200. May be repeated; the same as /set in a chat.")
    var settings: [String] = []

    @Flag(help: "Keep neither lines nor conversations on disk.")
    var noHistory = false

    /// The line on standard error behind a response that was cut off.
    private static let cutOffText =
        "the response ended at its limit of tokens; --set max_tokens=N and the context of the model are the limits"

    /// The words of a question.
    var form: OneShotChat.Form? { OneShotChat.Form(rawValue: output) }

    /// `--output` has one of two values.
    func validate() throws {
        if form == nil { throw ValidationError("--output must be text or json, not '\(output.printable)'") }
        for setting in settings { _ = try Self.setting(setting) }
    }

    /// `--output json` is the form of one response; a conversation has none.
    func validate(question: [String]) throws {
        guard form == .text || question.contains(where: { !$0.allSatisfy(\.isWhitespace) }) else {
            throw ValidationError(
                "--output json needs a question behind the flags; text on standard input may follow it")
        }
    }

    /// The field of a request that `--set NAME=VALUE` means, by the rules of `/set`.
    static func setting(_ text: String) throws -> (name: String, value: JSONValue) {
        let parts = text.split(separator: "=", maxSplits: 1)
        if parts.count == 2, !parts[0].contains(where: \.isWhitespace) {
            switch ChatInput(line: "/set \(parts[0]) \(parts[1])") {
            case .control(.set(let name, let value?)): return (name, value)
            case .invalid(let problem): throw ValidationError("-" + problem.replacing("/set", with: "-set"))
            default: break
            }
        }
        throw ValidationError("--set must be NAME=VALUE, e.g. max_tokens=200, not '\(text.printable)'")
    }

    /// Waits until the model is loaded, then answers the question or runs the conversation.
    /// - Parameters:
    ///   - model: The name or an alias of a model of the server; `nil` = the server's default.
    ///   - words: The question; empty = a conversation.
    /// - Throws: `ExitCode` 3 if the response to a question was cut off.
    func converse(_ client: ChatClient, model: String?, words: [String]) async throws {
        let extra = try responseFormat()
        let question = words.joined(separator: " ")
        let isQuestion = !question.allSatisfy(\.isWhitespace)
        let input = isQuestion && !Terminal.isInputTerminal ? try await OneShotChat.readInput() : nil
        let name = try await ChatClient.attempt { () async throws(ChatClient.Failure) in
            try await Self.waitUntilReady(client, model: model)
        }
        var conversation = Conversation(system: system, model: name)
        for text in settings {
            let (name, value) = try Self.setting(text)
            conversation.settings[name] = value
        }
        if isQuestion {
            conversation.appendUser(OneShotChat.message(question: question, input: input))
            let reply = try await OneShotChat(
                client: client, conversation: conversation, extra: extra, form: form ?? .text
            ).run()
            if reply.isCutOff {
                Terminal.write("martlet: \(Self.cutOffText)\n", to: STDERR_FILENO)
                throw ExitCode(ExitStatus.cutOff.rawValue)
            }
            return
        }
        let hasTerminal = Terminal.isInputTerminal && Terminal.isOutputTerminal
        if hasTerminal, TerminalStyle.hasCursor(environment: CurrentProcess.environment), extra.isEmpty {
            var chat = TerminalChat(client: client, conversation: conversation, keepsFiles: !noHistory)
            await chat.run()
        } else {
            var chat = PlainChat(
                client: client, conversation: conversation, extra: extra, isInteractive: hasTerminal)
            try await chat.run()
        }
    }

    /// The member `response_format` for `--schema`.
    /// - Throws: An exit code after one line, if the file is missing or is no JSON.
    private func responseFormat() throws -> JSONObject {
        do throws(SettingError) {
            return try schema.map { path throws(SettingError) in try OneShotChat.responseFormat(schemaFile: path) }
                ?? OneShotChat.noExtra
        } catch {
            throw CommandFailure.exit(error, usage: true)
        }
    }

    /// Waits for the server and for the wanted model, and shows the progress of the load in a terminal.
    /// - Returns: The model's name in requests; `nil` = a server with one model, which needs no name.
    private static func waitUntilReady(
        _ client: ChatClient, model: String?
    ) async throws(ChatClient.Failure) -> String? {
        let shows = Terminal.isErrorTerminal && TerminalStyle.hasCursor(environment: CurrentProcess.environment)
        var shown: String?
        func show(_ text: String) {
            guard shows, shown != text else { return }
            shown = text
            Terminal.write("\r\u{1B}[K" + text, to: STDERR_FILENO)
        }
        defer { if shown != nil { Terminal.write("\r\u{1B}[K", to: STDERR_FILENO) } }
        try await client.waitUntilReady { show("loading the model …") }
        guard let model else { return await client.defaultModel() }
        return try await client.select(model) { show(LoadState.text(fraction: $0) + " …") }
    }
}
