package import MartletGrammar

/// Arguments between tags, as the reader of a form takes them.
///
/// Strings stand there as they are, so that only their reader knows where they end and that they are strings.
package struct TagNotation {
    package typealias Node = GrammarBuilder.Node

    /// The name of an argument.
    package enum Name {
        case named(String)
        /// One of those that the schema does not name.
        case other(Node)
    }

    /// One way to write an argument.
    package struct Alternative {
        package var front: Node
        package var back: Node
        /// The values that may stand between the two.
        package var types: JSONTypes
        /// As what the reader takes a text that says so; strings must not look like these.
        package var readAs: JSONTypes
        /// By which the reader tells what a text within a value of several parts is.
        package var location: SchemaLocation

        package init(front: Node, back: Node, types: JSONTypes, readAs: JSONTypes, location: SchemaLocation = .unknown)
        {
            self.front = front
            self.back = back
            self.types = types
            self.readAs = readAs
            self.location = location
        }
    }

    /// What ends a value.
    package var ending: String
    /// What stands in front of the tags in a value of several parts; `nil` = such a value is JSON.
    package var prefix: String?
    /// Whether a line feed stands in front of a value, and one behind it.
    package var opensWithLineFeed: Bool
    package var closesWithLineFeed: Bool
    /// Whether strings may stand in `<![CDATA[…]]>`, so that none begins so itself.
    package var allowsData: Bool
    /// Whether truth values and null may be written as in Python.
    package var writesPython: Bool
    /// Between two arguments.
    package var separator: (inout GrammarBuilder) throws -> Node
    /// The ways to write the argument of that name.
    package var alternatives: (Name, inout GrammarBuilder) throws -> [Alternative]

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
