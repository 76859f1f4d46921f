package import MartletGenerations
package import MartletJSON
package import MartletProtocol
import MartletText
import OrderedCollections

// The JSON form of control commands, for the HTTP routes and the WebSocket. `docs/control.md` describes the fields.
extension ControlRequest {
    /// The spellings of `action`, in the order in which error messages list them.
    package static var actionNames: [String] {
        ["reasoning_end", "stop", "pause", "resume", "set", "inject", "rewind", "fork", "status"]
    }

    /// Bytes of UTF-8 of an injected text.
    private static var textLimit: Int { 32 << 10 }
    /// The most forks of one command.
    private static var forkLimit: Int { 256 }

    /// - Parameters:
    ///   - settings: the current settings of the generation. A change lists them as the old values.
    ///   - defaults: the limits of a grammar.
    ///   - randomSeed: makes a seed for each fork whose changes do not set one.
    /// - Throws: `invalidRequest` that names the field, the rule and the value.
    package init(
        _ json: JSONValue, settings: AdjustableSettings, defaults: CompletionDefaults = CompletionDefaults(),
        randomSeed: () -> UInt64 = { .randomSeed() }
    ) throws(APIError) {
        // Fields of other actions are ignored, as unknown fields are.
        let fields = try FieldReader(json)
        guard let name = try fields.string("action") else {
            throw .field("action", "A name is required, one of \(Self.actionNames.joined(separator: ", "))")
        }
        let action: Action
        switch name {
        case "reasoning_end": action = .endReasoning(message: try Self.text("message", in: fields))
        case "stop": action = .stop(reason: try Self.text("reason", in: fields, limit: 1_024))
        case "pause": action = .pause
        case "resume": action = .resume
        case "set":
            guard let changes = try fields.object("changes") else {
                throw .field("changes", "An object of new values is required, but the field is missing")
            }
            let change = try SettingFields.change(changes, of: settings, defaults: defaults)
            guard !change.keys.isEmpty else {
                throw .field("changes", "At least one new value is required, but the object is empty")
            }
            action = .set(change)
        case "inject": action = .inject(try ControlInjection(fields, textLimit: Self.textLimit))
        case "rewind": action = .rewind(try Self.target(fields))
        case "fork":
            let count = try fields.integer("n", in: 1...Self.forkLimit) ?? 1
            let given = try fields.object("changes")
            var changes: [SettingsChange] = []
            for _ in 0..<count {
                var change =
                    try given.map { fields throws(APIError) in
                        try SettingFields.change(fields, of: settings, defaults: defaults)
                    } ?? SettingsChange()
                guard !change.keys.contains(.constraint) else {
                    throw .field(
                        "changes.grammar", "A fork has the grammar of its original; set another one on the fork")
                }
                if !change.keys.contains(.seed), count > 1 || change.keys.isEmpty {
                    // Forks with one seed would sample the same tokens.
                    if change.keys.isEmpty { change.values = settings }
                    change.keys.append(.seed)
                    change.values.sampling.seed = randomSeed()
                }
                changes.append(change)
            }
            action = .fork(changes)
        case "status": action = .status
        default:
            throw .field(
                "action",
                "Value must be one of \(Self.actionNames.joined(separator: ", ")), but got \"\(name.excerpt(bytes: 64))\""
            )
        }
        self.init(action: action)
    }

    /// The position to which a rewind goes back: exactly one of a token index and a text.
    private static func target(_ fields: FieldReader) throws(APIError) -> RewindTarget {
        let token = try fields.integer("to_token", in: 0...Int(Int32.max))
        let text = try text("to_text", in: fields, limit: 4_096)
        switch (token, text) {
        case (let token?, nil): return .token(token)
        case (nil, let text?) where !text.isEmpty: return .text(text)
        case (nil, .some): throw .field("to_text", "Value must not be empty, but got \"\"")
        case (nil, nil): throw .field("to_token", "Either 'to_token' or 'to_text' is required, but both are missing")
        case (.some, .some): throw .field("to_token", "Only one of 'to_token' and 'to_text' is allowed, but got both")
        }
    }

    /// A string of at most `limit` bytes of UTF-8.
    fileprivate static func text(
        _ name: String, in fields: FieldReader, limit: Int = textLimit
    ) throws(APIError) -> String? {
        guard let text = try fields.string(name) else { return nil }
        guard text.utf8.count <= limit else {
            throw .field(name, "At most \(limit) bytes are allowed, but got \(text.utf8.count)")
        }
        return text
    }
}

extension ControlInjection {
    /// The spellings of `when`.
    private static var moments: [(name: String, moment: Injection.Moment)] {
        [("now", .now), ("sentence", .sentenceEnd), ("after_reasoning", .afterReasoning), ("new_turn", .now)]
    }

    init(_ fields: FieldReader, textLimit: Int) throws(APIError) {
        guard let content = try ControlRequest.text("content", in: fields, limit: textLimit), !content.isEmpty else {
            throw .field("content", "A text that is not empty is required")
        }
        let role = try fields.string("role")
        let when = try fields.string("when") ?? "now"
        guard let moment = Self.moments.first(where: { $0.name == when })?.moment else {
            let known = Self.moments.map(\.name).joined(separator: ", ")
            throw .field("when", "Value must be one of \(known), but got \"\(when.excerpt(bytes: 64))\"")
        }
        // Text of the assistant continues its turn.
        let opensTurn = role != nil && role != "assistant"
        guard opensTurn || when != "new_turn" else {
            throw .field("role", "A new turn needs a role other than \"assistant\", such as \"user\"")
        }
        self.init(role: opensTurn ? role : nil, content: content, moment: moment)
    }
}
