import MartletJSON

/// The optional members of a response.
package struct ResponseFields: Sendable, Equatable {
    /// Counts and times with every token.
    package var timingsPerToken = false
    /// The ids of the output's tokens.
    package var tokens = false
    /// llama-server's completion object as `__verbose` in OpenAI's responses.
    package var isVerbose = false
    /// The members of llama-server's completion object in the response; empty = all. `a/b` selects the member b of a,
    /// and
    /// the response has it under the name `a/b`.
    package var members: [String] = []

    /// Names of one request.
    private static let memberLimit = 256

    init() {}

    /// - Parameter isVerbose: the default of `verbose`.
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
