package import MartletJSON

/// Optional members of a response.
package struct ResponseFields: Sendable, Equatable {
    /// The timings so far, with every token.
    package var timingsPerToken = false
    /// The ids of the output's tokens.
    package var tokens = false
    /// llama-server's own object beside OpenAI's.
    package var isVerbose = false
    /// The members of llama-server's own object in the response; empty = all. `a/b` names a member of a member, which
    /// the response has under that name.
    package var members: [String] = []

    /// Makes the value of a request that asks for no optional member.
    package init() {}
}

/// A request's grammar in the form that `generation_settings` shows.
package struct ReportedGrammar: Sendable, Equatable {
    package var text = ""
    package var isLazy = false
    package var triggers: [JSONValue] = []

    /// Makes the value of a request without a grammar.
    package init() {}
}
