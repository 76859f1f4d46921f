package import MartletGrammar
package import MartletSchema
package import MartletStreams

extension GenerationError {
    /// A grammar that breaks a rule or a limit.
    package init(_ error: GrammarError, field: String) {
        self = .field(field, error.description)
        code = "invalid_grammar"
        line = error.line
        column = error.column
    }

    /// A JSON Schema that cannot become a grammar.
    ///
    /// - Parameter owner: the thing that has the schema, for fields that contain several schemas.
    package init(_ error: SchemaError, field: String, of owner: String? = nil) {
        self = .field(field, (owner.map { "\($0): " } ?? "") + error.description)
        code = "invalid_schema"
        pointer = error.pointer
        keyword = error.keyword.isEmpty ? nil : error.keyword
    }

    /// A quota that admits no further generation. The message names the flag that sets the quota.
    package init(_ excess: GenerationQuota.Excess) {
        self =
            switch excess {
            case .total(let limit):
                GenerationError(
                    .overloaded,
                    "\(limit) generations run or wait already, which is this server's limit (--max-generations)")
            case .perOwner(let limit):
                GenerationError(
                    .rateLimited,
                    "\(limit) generations of this API key run or wait already, which is its limit "
                        + "(--max-generations-per-key)")
            case .bytes(let limit):
                GenerationError(
                    .overloaded,
                    "Resumable generations that run take \(limit >> 20) MiB already, which is this server's limit "
                        + "(--log-memory)")
            case .bytesPerOwner(let limit):
                GenerationError(
                    .rateLimited,
                    "Resumable generations of this API key that run take \(limit >> 20) MiB already, which is its "
                        + "limit (--log-memory-per-key)")
            }
    }
}
