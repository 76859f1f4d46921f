/// Why bytes are not a valid frame.
package enum FrameError: Error, Sendable, Equatable {
    /// The length of a frame exceeds `FrameFormat.maximumByteCount`.
    case tooLarge(byteCount: Int)
    /// A value extends beyond the end of its frame.
    case truncated
    /// A frame has bytes behind its last value.
    case trailingBytes(count: Int)
    /// A number is not a case of an enumeration.
    case unknownCase(of: StaticName, number: UInt8)
    /// A value that no sender writes, such as text that is not UTF-8.
    case invalidValue(StaticName)
    /// The other side has another version.
    case versionMismatch(theirs: UInt16)
    /// The first frame was not the greeting, or a greeting came later.
    case greetingExpected
    /// A frame was repeated, lost, or came out of order.
    case wrongNumber(expected: UInt64, got: UInt64)

    /// A name from the source code. Errors therefore allocate nothing and contain no text from outside.
    package struct StaticName: Sendable, Equatable, ExpressibleByStringLiteral, CustomStringConvertible {
        private let value: StaticString

        package init(stringLiteral value: StaticString) { self.value = value }

        package var description: String { value.description }

        /// Compares the texts.
        package static func == (left: StaticName, right: StaticName) -> Bool {
            left.description == right.description
        }
    }
}

extension FrameError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLarge(let byteCount):
            "a frame of \(byteCount) bytes is above the limit of \(FrameFormat.maximumByteCount)"
        case .truncated: "a frame ends within a value"
        case .trailingBytes(let count): "a frame has \(count) bytes behind its last value"
        case .unknownCase(let name, let number): "\(number) is no \(name)"
        case .invalidValue(let name): "a frame holds an invalid \(name)"
        case .versionMismatch(let theirs):
            "the other side has version \(theirs) of the frames, this one \(FrameFormat.version)"
        case .greetingExpected: "the greeting was missing or came twice"
        case .wrongNumber(let expected, let got): "frame \(got) came where frame \(expected) was due"
        }
    }
}
