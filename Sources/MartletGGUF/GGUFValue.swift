/// A value of a file's metadata. Of an array only the length is stored, of a long text nothing.
package enum GGUFValue: Sendable, Equatable {
    case integer(Int64)
    /// An integer above `Int64.max`.
    case large(UInt64)
    case number(Double)
    case bool(Bool)
    case text(String)
    case array(count: UInt64)
    case longText

    /// The integer; `nil` for other kinds.
    package var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
    /// The text; `nil` for other kinds.
    package var text: String? { if case .text(let value) = self { value } else { nil } }
}

/// The numbers of the kinds of values in the format.
enum GGUFValueKind: UInt32 {
    case uint8 = 0
    case int8 = 1
    case uint16 = 2
    case int16 = 3
    case uint32 = 4
    case int32 = 5
    case float32 = 6
    case bool = 7
    case string = 8
    case array = 9
    case uint64 = 10
    case int64 = 11
    case float64 = 12

    /// The bytes of a value; `nil` if they vary.
    var size: UInt64? {
        switch self {
        case .uint8, .int8, .bool: 1
        case .uint16, .int16: 2
        case .uint32, .int32, .float32: 4
        case .uint64, .int64, .float64: 8
        case .string, .array: nil
        }
    }
}
