package import MartletGrammar

/// The notation of arguments between tags, as the output parser of a chat format reads them.
///
/// Strings stand without quotes. Only the output parser knows where they end and whether a text is a string.
package struct TagNotation {
    package typealias Node = GrammarBuilder.Node

    /// The name of an argument.
    package enum Name {
        case named(String)
        /// A name that the schema does not have.
        case other(Node)
    }

    /// One way to write an argument.
    package struct Alternative {
        package var front: Node
        package var back: Node
        /// The types of the values between `front` and `back`.
        package var types: JSONTypes
        /// The types that the output parser recognizes in a plain text. Strings must not look like them.
        package var readAs: JSONTypes
        /// The location by which the output parser reads the parts of an object or array.
        package var location: SchemaLocation

        /// Creates a way to write an argument.
        package init(front: Node, back: Node, types: JSONTypes, readAs: JSONTypes, location: SchemaLocation = .unknown)
        {
            self.front = front
            self.back = back
            self.types = types
            self.readAs = readAs
            self.location = location
        }
    }

    /// The text that ends a value.
    package var ending: String
    /// The text before each tag inside an object or array; `nil` if those are written as JSON.
    package var prefix: String?
    /// Whether a line feed precedes and follows a value.
    package var opensWithLineFeed: Bool
    package var closesWithLineFeed: Bool
    /// Whether strings may stand in `<![CDATA[…]]>`. Plain strings then do not begin with that.
    package var allowsData: Bool
    /// Whether `True`, `False` and `None` are admitted beside JSON's words.
    package var writesPython: Bool
    /// Adds the text between two arguments.
    package var separator: (inout GrammarBuilder) throws -> Node
    /// Returns the ways to write the argument with a name.
    package var alternatives: (Name, inout GrammarBuilder) throws -> [Alternative]

    /// Creates a notation.
    package init(
        ending: String, prefix: String?, opensWithLineFeed: Bool, closesWithLineFeed: Bool, allowsData: Bool,
        writesPython: Bool, separator: @escaping (inout GrammarBuilder) throws -> Node,
        alternatives: @escaping (Name, inout GrammarBuilder) throws -> [Alternative]
    ) {
        self.ending = ending
        self.prefix = prefix
        self.opensWithLineFeed = opensWithLineFeed
        self.closesWithLineFeed = closesWithLineFeed
        self.allowsData = allowsData
        self.writesPython = writesPython
        self.separator = separator
        self.alternatives = alternatives
    }
}
