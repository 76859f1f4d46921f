import MartletText

/// A name in a folder, whatever its bytes are.
package struct FolderEntry: Sendable, Hashable, CustomStringConvertible {
    /// The name's bytes, without a zero byte or a slash.
    package let bytes: [UInt8]

    /// A name as a folder has it.
    package init(bytes: [UInt8]) { self.bytes = bytes }

    /// A name that is text.
    package init(_ name: String) { bytes = Array(name.utf8) }

    /// The name, if it is text.
    package var text: String? { String(validating: bytes, as: UTF8.self) }

    /// The name for messages: a single line of limited length.
    package var description: String { "\"\(bytes.excerpt(bytes: 128))\"" }
}
