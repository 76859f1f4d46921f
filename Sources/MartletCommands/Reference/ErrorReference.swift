/// Cause and remedy of each `type` and each `code` of the server's errors, for `martlet explain`.
///
/// Example: `ErrorReference.find("model_absent")` has the remedy `` `martlet pull NAME` ``. docs/errors.md has the same rows,
/// and a test compares them.
struct ErrorReference: Sendable, Equatable {
    /// The `type`, or a word that stands in `code`.
    let word: String
    /// The HTTP status of a type; nil for a code, which has the status of its type.
    let status: Int?
    /// The cause, as a phrase with names in backticks.
    let cause: String
    /// The remedy, as a phrase with names in backticks.
    let remedy: String

    /// A row of the table of types.
    private init(_ word: String, _ status: Int? = nil, cause: String, remedy: String) {
        (self.word, self.status, self.cause, self.remedy) = (word, status, cause, remedy)
    }

    /// The entry of a type or code.
    static func find(_ word: String) -> ErrorReference? { all.first { $0.word == word } }

    /// All types in the order of their statuses, then all codes.
    static let all = [
        ErrorReference(
            "invalid_request_error", 400,
            cause: "a field breaks a rule, or the body is not JSON",
            remedy: "change the field in `param`; `message` has the rule"),
        ErrorReference(
            "exceed_context_size_error", 400,
            cause: "the prompt is longer than the context; `n_prompt_tokens` and `n_ctx` have both lengths",
            remedy: "shorten the conversation, or start the server with a larger `--ctx-size`"),
        ErrorReference(
            "not_supported_error", 400,
            cause: "the model or the settings of the server lack something that the request needs",
            remedy: "use another model, or the flag that `message` names"),
        ErrorReference(
            "authentication_error", 401,
            cause: "the API key is missing or wrong",
            remedy: "send `Authorization: Bearer KEY` with a key of `--api-key` or `--api-key-file`; "
                + "`martlet chat` reads `LLAMA_API_KEY`"),
        ErrorReference(
            "permission_error", 403,
            cause: "a right is missing, or a web page of another origin sent the request",
            remedy: "use a key with the right; allow the page with `--cors-origins`"),
        ErrorReference(
            "not_found_error", 404,
            cause: "no route, model or generation has the name, or it belongs to another key",
            remedy: "check the name; `GET /v1/models` lists models, and `message` names the nearest one"),
        ErrorReference(
            "method_not_allowed_error", 405,
            cause: "the route has another method",
            remedy: "use the method of the header `Allow`"),
        ErrorReference(
            "request_timeout_error", 408,
            cause: "no reader came to a resumable generation within `--orphan-timeout`, or a request did "
                + "not arrive in time",
            remedy: "read on sooner, or begin with `\"background\": true`"),
        ErrorReference(
            "conflict_error", 409,
            cause: "the state of the generation excludes the command, e.g. it has ended; `reason` says which",
            remedy: "read the state with `GET /v1/generations/ID`"),
        ErrorReference(
            "precondition_failed_error", 412,
            cause: "a saved chat has another version than `If-Match` names, or exists although "
                + "`If-None-Match` excludes it",
            remedy: "read the chat, merge, and write with its `ETag`"),
        ErrorReference(
            "request_too_large_error", 413,
            cause: "the body is longer than the limit",
            remedy: "shorten the body; send a long file as the text of a message, not as base64"),
        ErrorReference(
            "uri_too_long_error", 414,
            cause: "the URL is longer than the limit",
            remedy: "send the values in the body"),
        ErrorReference(
            "unsupported_media_type_error", 415,
            cause: "the body has an encoding or a type that the server does not read",
            remedy: "send JSON; `gzip` and `deflate` are possible encodings"),
        ErrorReference(
            "range_not_satisfiable_error", 416,
            cause: "the stream is shorter than the first byte of `Range`",
            remedy: "begin at an earlier byte"),
        ErrorReference(
            "upgrade_required_error", 426,
            cause: "the route is a WebSocket, and the request does not ask for one",
            remedy: "connect with a WebSocket client"),
        ErrorReference(
            "rate_limit_error", 429,
            cause: "one key has reached its share of running or waiting generations",
            remedy: "wait for the seconds in `Retry-After`, or send fewer requests at once"),
        ErrorReference(
            "headers_too_large_error", 431,
            cause: "the header of the request is longer than the limit",
            remedy: "send fewer or shorter header fields"),
        ErrorReference(
            "server_error", 500,
            cause: "a fault of the server or of the model's worker",
            remedy: "send the request again; the server's log has the cause, and `martlet doctor` checks the machine"),
        ErrorReference(
            "not_implemented_error", 501,
            cause: "a part of HTTP that browsers and client libraries do not use",
            remedy: "leave it out"),
        ErrorReference(
            "overloaded_error", 503,
            cause: "a limit of the whole server is reached",
            remedy: "wait for the seconds in `Retry-After`; `--parallel` and `--queue-limit` set the limits"),
        ErrorReference(
            "unavailable_error", 503,
            cause: "the model loads, or the server starts or ends",
            remedy: "wait for the seconds in `Retry-After`; client libraries do so by themselves"),
        ErrorReference(
            "insufficient_storage_error", 507,
            cause: "the saved chats of the key have reached a limit",
            remedy: "remove chats, or start the server with a larger `--history-size`"),
        ErrorReference(
            "invalid_grammar",
            cause: "a grammar breaks a rule of GBNF or a limit; `line` and `column` have the place",
            remedy: "repair the grammar at the place"),
        ErrorReference(
            "previous_response_not_found",
            cause: "`previous_response_id` names a response that does not exist, is not stored any more, "
                + "or belongs to another key",
            remedy: "send the conversation again without `previous_response_id`"),
        ErrorReference(
            "response_cancel_not_active",
            cause: "`response.cancel` over a WebSocket, while no response of its stream runs",
            remedy: "nothing; the response has ended"),
        ErrorReference(
            "invalid_schema",
            cause: "a JSON Schema has a keyword that cannot be held; `pointer` and `keyword` have the place",
            remedy: "json-schema.md lists the keywords; `martlet schema check FILE` tests a schema without a server"),
        ErrorReference(
            "model_too_large",
            cause: "the memory plan of the model exceeds what all models, or all but the pinned ones, may use",
            remedy: "a smaller `--ctx-size`: the message names the largest that fits; `martlet load NAME "
                + "--plan` shows the numbers"),
        ErrorReference(
            "model_limit_reached",
            cause: "`--models-max` models are loaded, and all of them are pinned",
            remedy: "a larger `--models-max`, or fewer pinned models"),
        ErrorReference(
            "model_failed",
            cause: "the file is damaged, or its worker failed; the message has the reason",
            remedy: "repair the file; the next request tries again after a pause"),
        ErrorReference(
            "model_not_loaded",
            cause: "the request or `--no-models-autoload` forbids to load the model",
            remedy: "`POST /models/load`, or leave out `?autoload=0`"),
        ErrorReference(
            "model_not_found",
            cause: "no model has this name; the message names the nearest one",
            remedy: "`GET /v1/models` lists the names"),
        ErrorReference(
            "model_absent",
            cause: "the model is known, but its files are not on this machine",
            remedy: "`martlet pull NAME`"),
        ErrorReference(
            "model_unloaded",
            cause: "the model was unloaded while the request waited",
            remedy: "send the request again"),
    ]
}
