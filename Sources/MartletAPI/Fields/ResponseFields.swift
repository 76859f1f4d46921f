import MartletJSON

/// What a client wants to be told beside the answer.
package struct ResponseFields: Sendable, Equatable {
    /// What it has cost so far, with every token.
    package var timingsPerToken = false
    /// The ids of the answer's tokens.
    package var tokens = false
    /// llama-server's own object beside OpenAI's.
    package var isVerbose = false
    /// The members of llama-server's own object in the response; empty = all. `a/b` names a member of a member, which
    /// the response has under that name.
    package var members: [String] = []

    private static let memberLimit = 256

    init() {}

    /// - Parameter isVerbose: whether `verbose` is meant where the request does not say.
    init(_ fields: FieldReader, isVerbose: Bool) throws(APIError) {
        timingsPerToken = try fields.bool("timings_per_token") ?? false
        tokens = try fields.bool("return_tokens") ?? false
        self.isVerbose = try fields.bool("verbose") ?? isVerbose
        let names = try fields.array("response_fields") ?? []
        guard names.count <= Self.memberLimit else {
            throw .field("response_fields", "At most \(Self.memberLimit) names are allowed, but got \(names.count)")
        }
        for (index, name) in names.enumerated() {
            guard let name = name.stringValue else {
                throw .field("response_fields[\(index)]", "Value must be a string, but got \(FieldReader.short(name))")
            }
            members.append(name)
        }
    }
}
