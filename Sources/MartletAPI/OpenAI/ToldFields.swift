import MartletJSON

/// What a client wants to be told beside the answer.
package struct ToldFields: Sendable, Equatable {
    /// What it has cost so far, with every token.
    package var timingsPerToken = false
    /// The ids of the answer's tokens.
    package var tokens = false
    /// llama-server's own object beside OpenAI's.
    package var isVerbose = false
    /// Which members of llama-server's own object are told, `a/b` for a member of a member; empty = all.
    package var members: [String] = []

    private static let memberLimit = 256

    init() {}

    init(_ fields: FieldReader) throws(APIError) {
        timingsPerToken = try fields.bool("timings_per_token") ?? false
        tokens = try fields.bool("return_tokens") ?? false
        isVerbose = try fields.bool("verbose") ?? false
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
