/// How a model writes the parts of an answer: its thinking, its text, its tool calls.
///
/// One description for each family of models. `OutputParser` reads answers by it, and the grammar that holds a model to
/// it is made of it. Literals are written as the model should write them; white space at their ends is read leniently.
package struct ChatFormat: Sendable, Equatable {
    /// Text between two delimiters.
    package struct Delimiters: Sendable, Equatable {
        package var start: String
        /// Each ends it; the first is what a model should write.
        package var ends: [String]

        package init(_ start: String, _ ends: String...) {
            self.start = start
            self.ends = ends
        }
    }

    /// The head of a message inside of an answer, which says what follows: `<|start|>assistant to=user<|message|>`.
    package struct MessageHead: Sendable, Equatable {
        /// Each begins a head; the first is what a model should write.
        package var starts: [String]
        package var end: String
        /// How the head of an answer's text begins; the first is what a model should write.
        package var content: [String]
        /// How the head of thinking begins.
        package var reasoning: [String] = []
        /// What stands in front of the name in the head of a call whose arguments follow; `nil` = heads begin no calls.
        package var call: String?
        /// What a model may write in front of the head of a call whose name comes with `call`.
        package var callFront = ""
        /// What a model may write between the name and `end`.
        package var callFillings: [String] = []
        /// Whether heads are compared as a whole.
        package var matchesWhole = false
        /// What becomes of other heads.
        package var others = Others.text

        package enum Others: Sendable, Equatable {
            /// They are part of the answer's text.
            case text
            /// They mean nothing.
            case discarded
        }
    }

    /// The name as `martlet templates` shows it.
    package var name: String
    package var reasoning: Delimiters?
    /// What the answer's text may stand between. Text outside of it is content all the same.
    package var content: [Delimiters] = []
    package var messageHead: MessageHead?
    /// Delimiters without a meaning of their own.
    package var ignored: [String] = []
    package var calls: ToolCallFormat?

    package init(name: String, reasoning: Delimiters? = nil, calls: ToolCallFormat? = nil) {
        self.name = name
        self.reasoning = reasoning
        self.calls = calls
    }
}

/// How a model writes tool calls.
///
/// A section of calls is `opening`, calls with `separator` between them, `closing`. Where `opening` is empty, each call
/// is a section of its own.
package struct ToolCallFormat: Sendable, Equatable {
    package enum Shape: Sendable, Equatable {
        /// A JSON object with members for name and arguments.
        case object(name: String, arguments: String, id: ToolCallIDField? = nil)
        /// A JSON object whose only key is the name, and whose value the arguments.
        case nameAsKey
        /// A head with the name, then the arguments.
        case headed(ToolCallHead, ArgumentEncoding)
    }
    package enum ArgumentEncoding: Sendable, Equatable {
        /// A JSON object.
        case object
        /// `(city='Oslo', days=3)`, as in Python.
        case python
        /// `{city:<|"|>Oslo<|"|>,days:3}`, as Gemma 4 does.
        case gemma
        case tagged(TaggedArguments)
    }
    package var opening = ""
    package var callOpening = ""
    package var shape: Shape
    package var callClosing = ""
    package var separator = ""
    package var closing = ""
    /// Whether brackets stand around the calls of a section, `opening` and `closing` aside.
    package var isList = false
    /// Whether a call may begin the answer with its own first byte alone, as Llama 3's `{` does.
    package var startsBare = false
    /// Whether the model can call several tools at once.
    package var allowsSeveral = true
    /// Other texts that begin a section.
    package var otherOpenings: [String] = []
    /// Whether the calls of one turn stand in one section.
    package var sharesSection = true
    /// Forms of other versions of the model behind the same opening. They are read and never asked for.
    package var otherForms: [ToolCallFormat] = []

    package init(_ shape: Shape) { self.shape = shape }
}

/// A member that some models want beside name and arguments.
package struct ToolCallIDField: Sendable, Equatable {
    package var key: String
    /// Whether it stands in front of the name.
    package var isFirst: Bool
}

/// What stands between a call's opening and its arguments: `functions.NAME:0<|tool_call_argument_begin|>`.
package struct ToolCallHead: Sendable, Equatable {
    /// What a model should write in front of `nameStart`.
    package var front = Filling.none
    /// Text in front of the name; optional when read.
    package var nameStart = ""
    /// Each ends the name before the head does.
    package var nameStops: [String] = []
    /// What a model should write between name and `end`.
    package var filling = Filling.none
    /// The end of the head; empty = the arguments' own beginning ends it.
    package var end = ""

    package enum Filling: Sendable, Equatable {
        case none
        /// The call's number, from this one on, between two texts.
        case number(String, from: Int, String)
        /// Letters and digits behind a text.
        case identifier(String)
    }
}

/// Arguments one by one, each between tags: `<parameter=city>Oslo</parameter>`.
package struct TaggedArguments: Sendable, Equatable {
    /// Between name and value of an argument.
    package enum Middle: Sendable, Equatable {
        case text(String)
        /// Says whether the value is a string: in front of, between and behind the word.
        case typed(String, TypeWords, String)

        package enum TypeWords: Sendable, Equatable {
            /// `true` for strings, `false` for JSON.
            case isString
            /// `string`, `number`, `boolean`, `array`, `object`, `null`.
            case typeName
        }
    }
    package var opening: String
    package var middle: Middle
    package var closing: String
    /// Between two arguments.
    package var separator = ""
    /// Whether strings may stand in `<![CDATA[…]]>`.
    package var allowsCDATA = false
    /// Whether values of lists and objects are tags in tags, as MiniMax M3 does, each behind this text.
    package var nestedPrefix: String?
    /// Whether truth values are written as in Python.
    package var writesPython = false
}
