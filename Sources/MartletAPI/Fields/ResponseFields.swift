import MartletGenerations
import MartletJSON

// The JSON form of the optional members of a response: `timings_per_token`, `return_tokens`, `verbose` and
// `response_fields`, with llama-server's meanings.
extension ResponseFields {
    /// Names of one request.
    private static var memberLimit: Int { 256 }

    /// - Parameter isVerbose: the default of `verbose`.
    init(_ fields: FieldReader, isVerbose: Bool) throws(APIError) {
        self.init()
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
