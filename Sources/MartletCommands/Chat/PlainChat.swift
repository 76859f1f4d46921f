import MartletJSON
import MartletWorkers

/// A chat without a terminal that moves its cursor: each line is a message, and only the responses are printed.
///
/// Input from a file or a pipe ends at the first error. A person at a terminal without a cursor (`TERM=dumb`) sees a
/// prompt, and errors do not end the chat.
struct PlainChat {
    /// The server of the chat.
    let client: ChatClient
    /// All messages so far; each request contains them.
    var conversation: Conversation
    /// Further members of each request.
    var extra = OneShotChat.noExtra
    /// Whether a person enters the lines.
    let isInteractive: Bool

    /// Reads lines until the input ends or a line is `/quit`.
    /// - Throws: At the first line that is wrong, and at the first request that fails, unless a person enters the lines.
    mutating func run() async throws(SettingError) {
        if isInteractive { Terminal.write("/help lists commands, /quit leaves.\n") }
        while let line = await nextLine() {
            do throws(SettingError) {
                guard try await enter(line) else { return }
            } catch {
                guard isInteractive else { throw error }
                Terminal.write("\(error.description)\n")
            }
        }
    }

    /// Executes a line.
    /// - Returns: Whether the chat continues.
    private mutating func enter(_ line: String) async throws(SettingError) -> Bool {
        switch ChatInput(line: line) {
        case .nothing: break
        case .quit: return false
        case .help: Terminal.write(ChatHelp.text(columns: Terminal.size.columns) + "\n")
        case .new: conversation.clear()
        case .system(let text): conversation.system = text
        case .model(let name?):
            let model = try await ChatClient.attempt { () async throws(ChatClient.Failure) in
                try await client.select(name) { _ in }
            }
            conversation.model = model
        case .model(nil):
            for name in try await ChatClient.attempt(client.modelNames) { Terminal.write(name.printable + "\n") }
        case .unknownCommand(let command, let nearest):
            throw SettingError(
                "unknown command \(command); \(nearest.map { "did you mean \($0)?" } ?? "/help lists all")")
        case .control(.temperature(let value)): conversation.settings["temperature"] = .number(value)
        case .control(.set(let name, let value)): conversation.settings[name] = value
        case .control(.rewind(let text)):
            guard conversation.rewind(to: text) else { throw SettingError("\(line): there is nothing to remove") }
        case .control: throw SettingError("\(line) changes a running response, which needs a terminal")
        case .settings:
            for (name, value) in conversation.settings { Terminal.write("\(name) = \(value.text)\n") }
        case .save, .load, .list, .keep: throw SettingError("\(line) needs a terminal with a cursor")
        case .invalid(let message): throw SettingError(message)
        case .retry:
            guard conversation.retry() != nil else { throw SettingError("/retry needs a message") }
            try await printReply()
        case .message(let text):
            conversation.appendUser(text)
            try await printReply()
        }
        return true
    }

    /// Sends the conversation and prints the response while it streams. The reply becomes part of the conversation.
    private mutating func printReply() async throws(SettingError) {
        let reply: OneShotChat.Reply
        do throws(SettingError) {
            reply = try await OneShotChat.streamReply(client, conversation, extra: extra)
        } catch {
            conversation.removeUnansweredMessage()
            throw error
        }
        conversation.appendAssistant(reply.text)
    }

    /// - Returns: `nil` at the end of the input.
    private func nextLine() async -> String? {
        if isInteractive { Terminal.write("> ") }
        return try? await DedicatedThread.run { readLine() }
    }
}
