/// The way in which one model family writes reasoning, content and tool calls. Data only; no code per model.
///
/// One description serves both directions: `OutputParser` parses by it, and `OutputGrammar` makes the grammar that
/// constrains the output from it. A literal is written as the model should write it. The parser accepts any amount of
/// white space at the ends of a literal.
///
/// To add a format: add it in `Formats/` and to `ChatFormat.all`, and add cases of raw output in
/// `Tests/MartletChatTests/Outputs`. Recognition then finds it by what templates render.
package struct ChatFormat: Sendable, Equatable {
    /// Text between two delimiters, such as `<think>` and `</think>`.
    package struct Delimiters: Sendable, Equatable {
        package var start: String
        /// Each of them ends the text. The model should write the first.
        package var ends: [String]

        package init(_ start: String, _ ends: String...) {
            self.start = start
            self.ends = ends
        }
    }

    /// The head of a message within an output. It names the kind of the text behind it: `<|start|>assistant
    /// to=user<|message|>`.
    package struct MessageHead: Sendable, Equatable {
        /// Each of them begins a head. The model should write the first.
        package var starts: [String]
        /// The delimiter that ends a head.
        package var end: String
        /// The beginnings of heads of content. The model should write the first.
        package var content: [String]
        /// The beginnings of heads of reasoning.
        package var reasoning: [String] = []
        /// The text in front of the tool's name in the head of a call. Empty = the head is the name. nil = heads begin
        /// no calls.
        package var call: String?
        /// Text that the model may write in front of a call's head, if `call` stands in front of the name.
        package var callFront = ""
        /// Texts that the model may write between the name and `end`.
        package var callFillings: [String] = []
        /// Whether a head must equal a word, not only begin with it.
        package var matchesWhole = false
        /// The treatment of heads that are none of the above.
        package var others = Others.text

        package init(
            starts: [String], end: String, content: [String], reasoning: [String] = [], call: String? = nil,
            callFront: String = "", callFillings: [String] = [], matchesWhole: Bool = false, others: Others = .text
        ) {
            self.starts = starts
            self.end = end
            self.content = content
            self.reasoning = reasoning
            self.call = call
            self.callFront = callFront
            self.callFillings = callFillings
            self.matchesWhole = matchesWhole
            self.others = others
        }

        /// The treatment of unknown heads.
        package enum Others: Sendable, Equatable {
            /// They are content.
            case text
            /// They are delimiters without a meaning.
            case discarded
        }
    }

    /// The name in `martlet template formats` and on the page docs/templates.md.
    package var name: String
    /// The delimiters of reasoning. nil = those of the template, if it has any.
    package var reasoning: Delimiters?
    /// Delimiters that content may stand between. Text outside of them is content as well.
    package var content: [Delimiters] = []
    /// The heads of messages; nil for most formats.
    package var messageHead: MessageHead?
    /// Delimiters without a meaning, which are removed.
    package var ignored: [String] = []
    /// The tool calls; nil = the model writes none that are known.
    package var calls: ToolCallFormat?

    /// A format with these parts; the others are set with `with`.
    package init(name: String, reasoning: Delimiters? = nil, calls: ToolCallFormat? = nil) {
        self.name = name
        self.reasoning = reasoning
        self.calls = calls
    }
}

/// The way in which a model writes tool calls.
///
/// A section of calls is `opening`, calls with `separator` between them, and `closing`. If `opening` is empty, each
/// call is a section of its own.
///
///     <tool_calls>                       opening
///     <tool_call>get_weather…</tool_call>  callOpening, shape, callClosing
///     </tool_calls>                      closing
package struct ToolCallFormat: Sendable, Equatable {
    /// The shape of one call between `callOpening` and `callClosing`.
    package enum Shape: Sendable, Equatable {
        /// A JSON object with a member for the name and a member for the arguments.
        case object(name: String, arguments: String, id: ToolCallIDField? = nil)
        /// A JSON object with one member: the key is the name, the value the arguments.
        case nameAsKey
        /// A head with the name, and then the arguments.
        case headed(ToolCallHead, ArgumentEncoding)
    }
    /// The notation of arguments behind a head.
    package enum ArgumentEncoding: Sendable, Equatable {
        /// A JSON object.
        case object
        /// Python's keyword arguments, `(city='Oslo', days=3)`.
        case python
        /// Gemma 4's notation, `{city:<|"|>Oslo<|"|>,days:3}`.
        case gemma
        /// One pair of tags per argument.
        case tagged(TaggedArguments)
    }
    /// Begins a section; empty = each call is a section.
    package var opening = ""
    /// Begins a call.
    package var callOpening = ""
    package var shape: Shape
    /// Ends a call.
    package var callClosing = ""
    /// Stands between two calls.
    package var separator = ""
    /// Ends a section.
    package var closing = ""
    /// Whether the calls of a section are a list in brackets, within `opening` and `closing`.
    package var isList = false
    /// Whether a call may begin the output without any delimiter, as Llama 3's `{` does.
    package var startsBare = false
    /// Whether the model can call several tools in one turn.
    package var allowsSeveral = true
    /// Other delimiters that begin a section.
    package var otherOpenings: [String] = []
    /// Whether all calls of a turn stand in one section.
    package var sharesSection = true
    /// Formats of other versions of the model with the same opening. The parser accepts them; the grammar never asks
    /// for them.
    package var otherForms: [ToolCallFormat] = []

    /// A format of this shape, with all delimiters empty.
    package init(_ shape: Shape) { self.shape = shape }
}

/// A member with the call's id, in formats that require one besides name and arguments.
package struct ToolCallIDField: Sendable, Equatable {
    package var key: String
    /// Whether the id stands in front of the name.
    package var isFirst: Bool

    package init(key: String, isFirst: Bool) {
        self.key = key
        self.isFirst = isFirst
    }
}

/// The text between a call's opening and its arguments: `functions.NAME:0<|tool_call_argument_begin|>`.
package struct ToolCallHead: Sendable, Equatable {
    /// Text that the model should write in front of `nameStart`.
    package var front = Filling.none
    /// Text in front of the name. The parser accepts its absence.
    package var nameStart = ""
    /// Each of them ends the name, before the head itself ends.
    package var nameStops: [String] = []
    /// Text that the model should write between the name and `end`.
    package var filling = Filling.none
    /// The end of the head. Empty = the first byte of the arguments ends it.
    package var end = ""

    /// Text of a head that differs from call to call.
    package enum Filling: Sendable, Equatable {
        case none
        /// The number of the call, counted from `from`, between two texts.
        case number(String, from: Int, String)
        /// An id of letters and digits, behind a text.
        case identifier(String)
    }

    package init(
        front: Filling = .none, nameStart: String = "", nameStops: [String] = [], filling: Filling = .none,
        end: String = ""
    ) {
        self.front = front
        self.nameStart = nameStart
        self.nameStops = nameStops
        self.filling = filling
        self.end = end
    }
}

/// Arguments that are written one by one, each between tags: `<parameter=city>Oslo</parameter>`.
package struct TaggedArguments: Sendable, Equatable {
    /// The text between the name and the value of an argument.
    package enum Middle: Sendable, Equatable {
        /// The same text for all types.
        case text(String)
        /// A word that names the type, between two texts: `" type="` … `">`.
        case typed(String, TypeWords, String)

        /// The words that name types.
        package enum TypeWords: Sendable, Equatable {
            /// `true` for strings, `false` for values that are JSON.
            case isString
            /// `string`, `number`, `boolean`, `array`, `object`, `null`.
            case typeName
        }
    }
    package var opening: String
    package var middle: Middle
    package var closing: String
    /// Stands between two arguments.
    package var separator = ""
    /// Whether a string may stand in `<![CDATA[…]]>`, so that it can contain tags.
    package var allowsCDATA = false
    /// The text in front of each nested tag, if lists and objects are written as tags in tags (MiniMax M3).
    package var nestedPrefix: String?
    /// Whether `true`, `false` and `null` are written as Python does: `True`, `False`, `None`.
    package var writesPython = false

    package init(
        opening: String, middle: Middle, closing: String, separator: String = "", allowsCDATA: Bool = false,
        nestedPrefix: String? = nil, writesPython: Bool = false
    ) {
        self.opening = opening
        self.middle = middle
        self.closing = closing
        self.separator = separator
        self.allowsCDATA = allowsCDATA
        self.nestedPrefix = nestedPrefix
        self.writesPython = writesPython
    }
}
