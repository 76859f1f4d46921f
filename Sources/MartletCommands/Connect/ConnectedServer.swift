import MartletJSON

/// The server in a client's configuration.
struct ConnectedServer: Sendable, Equatable {
    /// The base URL without `/v1`.
    var url: String
    /// The name of the model in requests.
    var model: String
    /// The largest number of tokens of prompt and output together; `nil` = unknown.
    var contextLength: Int?
    /// The API key; `nil` = the server needs none.
    var key: String?

    /// The base URL of OpenAI's clients.
    var openAI: String { url + "/v1" }

    /// The key in the form that clients demand: most refuse an empty one.
    var anyKey: String { key ?? "none" }
}
