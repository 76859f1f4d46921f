/// Why the bytes of a record's payload are not its fields.
package enum FieldError: Error, Sendable, Equatable {
    /// A value reaches beyond the end of its message.
    case truncated
    /// A field that every record of its kind has is missing.
    case missing(Int)
    /// A field has another wire type than its number says.
    case wrongType(Int)
    /// A value that no build writes, such as text that is not UTF-8.
    case invalid(StaticString)
    /// A case that this build does not know: a newer build has written it.
    case unknownCase(of: StaticString, number: UInt64)

    /// Equal descriptions are equal errors, since a `StaticString` is not comparable.
    package static func == (left: FieldError, right: FieldError) -> Bool { left.description == right.description }
}

extension FieldError: CustomStringConvertible {
    /// Whether a newer build has written the value.
    package var needsNewerBuild: Bool {
        if case .unknownCase = self { true } else { false }
    }

    package var description: String {
        switch self {
        case .truncated: "a value ends within its bytes"
        case .missing(let number): "field \(number) is missing"
        case .wrongType(let number): "field \(number) has the wrong wire type"
        case .invalid(let name): "an invalid \(name)"
        case .unknownCase(let name, let number): "\(name) \(number) is unknown"
        }
    }
}
