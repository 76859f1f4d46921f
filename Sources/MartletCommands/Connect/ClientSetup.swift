import MartletJSON
import OrderedCollections

/// The configuration of one client for a server: a file, variables of the environment, or steps in its settings.
///
/// Example: `ClientSetup(of: .codex, server)` has the file `.codex/config.toml` with a provider `martlet`.
struct ClientSetup: Sendable, Equatable {
    /// A client that people use with local servers.
    enum Client: String, Sendable, CaseIterable {
        case codex
        case claude
        case opencode
        case zed
        case `continue`
        case cline
        case openwebui
    }

    /// A configuration file.
    struct File: Sendable, Equatable {
        /// The content, in one of the formats of clients.
        enum Content: Sendable, Equatable {
            /// Members that are merged into an existing file.
            case json(JSONObject)
            /// Lines of TOML or YAML. They are written only if there is no file.
            case lines(String)
        }
        /// The path from the home folder on.
        var path: String
        var content: Content
    }

    /// nil = the client has no file for this.
    var file: File?
    /// Variables of the environment, in order.
    var variables: [(name: String, value: String)] = []
    /// Sentences for the user.
    var notes: [String] = []

    static func == (left: Self, right: Self) -> Bool {
        left.file == right.file && left.notes == right.notes
            && left.variables.map(\.name) == right.variables.map(\.name)
            && left.variables.map(\.value) == right.variables.map(\.value)
    }

    /// The variable that has the key, for clients whose file names a variable.
    private static let keyVariable = "MARTLET_API_KEY"

    /// Makes the configuration of a client.
    init(of client: Client, _ server: ConnectedServer) {
        switch client {
        case .codex: self = Self.codex(server)
        case .claude: self = Self.claude(server)
        case .opencode: self = Self.opencode(server)
        case .zed: self = Self.zed(server)
        case .continue: self = Self.continueDev(server)
        case .cline: self = Self.cline(server)
        case .openwebui: self = Self.openWebUI(server)
        }
    }

    private init() {}

    /// Codex reads providers from `~/.codex/config.toml` and speaks OpenAI's Responses only.
    private static func codex(_ server: ConnectedServer) -> Self {
        var setup = Self()
        var lines = [
            "model = \(quoted(server.model))", "model_provider = \"martlet\"",
        ]
        if let length = server.contextLength { lines.append("model_context_window = \(length)") }
        lines += [
            "", "[model_providers.martlet]", "name = \"Martlet\"", "base_url = \(quoted(server.openAI))",
            "wire_api = \"responses\"",
        ]
        if let key = server.key {
            lines.append("env_key = \"\(keyVariable)\"")
            setup.variables = [(keyVariable, key)]
        }
        setup.file = File(path: ".codex/config.toml", content: .lines(lines.joined(separator: "\n") + "\n"))
        return setup
    }

    /// Claude Code reads `env` of `~/.claude/settings.json`.
    private static func claude(_ server: ConnectedServer) -> Self {
        var setup = Self()
        let model = JSONValue.string(server.model)
        setup.file = File(
            path: ".claude/settings.json",
            content: .json([
                "env": [
                    "ANTHROPIC_BASE_URL": .string(server.url), "ANTHROPIC_AUTH_TOKEN": .string(server.anyKey),
                    "ANTHROPIC_MODEL": model, "ANTHROPIC_DEFAULT_OPUS_MODEL": model,
                    "ANTHROPIC_DEFAULT_SONNET_MODEL": model, "ANTHROPIC_DEFAULT_HAIKU_MODEL": model,
                    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
                ]
            ]))
        return setup
    }

    /// opencode reads `~/.config/opencode/opencode.json`.
    private static func opencode(_ server: ConnectedServer) -> Self {
        var setup = Self()
        var model: JSONObject = ["name": .string(server.model)]
        if let length = server.contextLength {
            model["limit"] = ["context": .integer(Int64(length)), "output": .integer(Int64(length))]
        }
        setup.file = File(
            path: ".config/opencode/opencode.json",
            content: .json([
                "$schema": "https://opencode.ai/config.json",
                "provider": [
                    "martlet": [
                        "npm": "@ai-sdk/openai-compatible", "name": "Martlet",
                        "options": ["baseURL": .string(server.openAI), "apiKey": .string(server.anyKey)],
                        "models": .object([server.model: .object(model)]),
                    ]
                ],
                "model": .string("martlet/\(server.model)"),
            ]))
        return setup
    }

    /// Zed reads models of compatible servers from `~/.config/zed/settings.json`, and the key from a variable.
    private static func zed(_ server: ConnectedServer) -> Self {
        var setup = Self()
        var model: JSONObject = ["name": .string(server.model), "display_name": .string(server.model)]
        model["max_tokens"] = .integer(Int64(server.contextLength ?? 8_192))
        model["capabilities"] = ["tools": true, "images": false, "parallel_tool_calls": true, "prompt_cache_key": true]
        setup.file = File(
            path: ".config/zed/settings.json",
            content: .json([
                "language_models": [
                    "openai_compatible": [
                        "Martlet": ["api_url": .string(server.openAI), "available_models": [.object(model)]]
                    ]
                ]
            ]))
        setup.variables = [(keyVariable, server.anyKey)]
        setup.notes = ["Zed must be started with the variable, or the key is entered in its settings of providers."]
        return setup
    }

    /// Continue reads `~/.continue/config.yaml`.
    private static func continueDev(_ server: ConnectedServer) -> Self {
        var setup = Self()
        setup.file = File(
            path: ".continue/config.yaml",
            content: .lines(
                """
                name: Martlet
                version: 1.0.0
                schema: v1
                models:
                  - name: \(quoted(server.model))
                    provider: openai
                    model: \(quoted(server.model))
                    apiBase: \(quoted(server.openAI))
                    apiKey: \(quoted(server.anyKey))
                    roles: [chat, edit, apply]

                """))
        return setup
    }

    /// Cline stores its settings in the editor, so there is no file to write.
    private static func cline(_ server: ConnectedServer) -> Self {
        var setup = Self()
        setup.notes = [
            "Cline: in its settings choose the API provider 'OpenAI Compatible' and enter",
            "  Base URL: \(server.openAI)", "  API Key: \(server.anyKey)", "  Model ID: \(server.model)",
        ]
        if let length = server.contextLength { setup.notes.append("  Context Window Size: \(length)") }
        return setup
    }

    /// Open WebUI reads variables of its own process or container.
    private static func openWebUI(_ server: ConnectedServer) -> Self {
        var setup = Self()
        setup.variables = [
            ("ENABLE_OPENAI_API", "true"), ("OPENAI_API_BASE_URL", server.openAI), ("OPENAI_API_KEY", server.anyKey),
        ]
        setup.notes = [
            "The variables are those of Open WebUI's process. In a container the server has the name "
                + "host.docker.internal instead of 127.0.0.1, and martlet needs --host and a key.",
            "Or with Ollama's API: OLLAMA_BASE_URL=\(server.url)",
        ]
        return setup
    }

    /// A text as a string of JSON, which is also one of TOML and of YAML.
    private static func quoted(_ text: String) -> String { JSONValue.string(text).text }
}

extension ClientSetup {
    /// The configuration for the terminal.
    var text: String {
        var parts: [String] = []
        if let file {
            let content =
                switch file.content {
                case .json(let members): IndentedJSON.text(.object(members)) + "\n"
                case .lines(let lines): lines
                }
            parts.append("# ~/\(file.path)\n" + content)
        }
        if !variables.isEmpty {
            parts.append(variables.map { "export \($0.name)=\(Self.shellQuoted($0.value))\n" }.joined())
        }
        if !notes.isEmpty { parts.append(notes.joined(separator: "\n") + "\n") }
        return parts.joined(separator: "\n")
    }

    /// A text as one word of a shell.
    private static func shellQuoted(_ text: String) -> String {
        let isPlain = text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-:/".contains($0)) }
        return isPlain && !text.isEmpty
            ? text : "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
