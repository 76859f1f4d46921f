package import MartletChat
package import MartletStreams

extension ToolCallFormat: FieldRecord {
    package static var blank: Self { Self(.nameAsKey) }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try codeOwn(&coder)
        var forms = otherForms.map { OtherForm(format: $0) }
        try coder.list(12, &forms)
        otherForms = forms.map(\.format)
    }

    /// The fields except for the other forms.
    fileprivate mutating func codeOwn<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &opening)
        try coder.field(2, &callOpening)
        try coder.field(3, &shape)
        try coder.field(4, &callClosing)
        try coder.field(5, &separator)
        try coder.field(6, &closing)
        try coder.field(7, &isList)
        try coder.field(8, &startsBare)
        try coder.field(9, &allowsSeveral)
        try coder.list(10, &otherOpenings)
        try coder.field(11, &sharesSection)
    }

    /// Adds the texts of the format without its other forms.
    func add(to size: inout FormatSize) {
        size.add([opening, callOpening, callClosing, separator, closing] + otherOpenings)
        guard case .headed(let head, let encoding) = shape else { return }
        size.add([head.nameStart, head.end] + head.nameStops)
        if case .tagged(let arguments) = encoding {
            size.add([arguments.opening, arguments.closing, arguments.separator, arguments.nestedPrefix ?? ""])
        }
    }
}

/// A form of another version of the model. It has no other forms itself, so reading does not recurse.
private struct OtherForm: FieldRecord {
    var format = ToolCallFormat.blank
    static var blank: Self { Self() }

    mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) { try format.codeOwn(&coder) }
}

/// One of 1 object (1 name, 2 arguments, 3 id), 2 the name as key, 3 head and arguments (1 head, 2 notation).
extension ToolCallFormat.Shape: FieldMessage {
    package func write(to writer: inout JournalFieldWriter) {
        switch self {
        case .object(var name, var arguments, var id):
            writer.message(1) { writer in
                writer.field(1, &name)
                writer.field(2, &arguments)
                writer.field(3, &id)
            }
        case .nameAsKey: writer.message(2) { _ in }
        case .headed(var head, var encoding):
            writer.message(3) { writer in
                writer.field(1, &head)
                writer.field(2, &encoding)
            }
        }
    }

    package init(from reader: inout JournalFieldReader) throws(FieldError) {
        let number = try reader.caseNumber(in: 1...Int.max, of: "shape of a tool call")
        self = try reader.message { reader throws(FieldError) in
            switch number {
            case 1:
                let (name, arguments): (String, String) = (try reader.value(1), try reader.value(2))
                var id: ToolCallIDField?
                try reader.field(3, &id)
                return .object(name: name, arguments: arguments, id: id)
            case 2: return .nameAsKey
            case 3:
                var head = ToolCallHead()
                var encoding = ToolCallFormat.ArgumentEncoding.object
                try reader.field(1, &head)
                try reader.field(2, &encoding)
                return .headed(head, encoding)
            default: throw .unknownCase(of: "shape of a tool call", number: UInt64(number))
            }
        }
    }
}

/// One of 1 object, 2 Python, 3 Gemma, 4 tags.
extension ToolCallFormat.ArgumentEncoding: FieldMessage {
    package func write(to writer: inout JournalFieldWriter) {
        switch self {
        case .object: writer.message(1) { _ in }
        case .python: writer.message(2) { _ in }
        case .gemma: writer.message(3) { _ in }
        case .tagged(let arguments): writer.message(4) { arguments.write(to: &$0) }
        }
    }

    package init(from reader: inout JournalFieldReader) throws(FieldError) {
        let number = try reader.caseNumber(in: 1...Int.max, of: "notation of arguments")
        self = try reader.message { reader throws(FieldError) in
            switch number {
            case 1: .object
            case 2: .python
            case 3: .gemma
            case 4: .tagged(try TaggedArguments(from: &reader))
            default: throw .unknownCase(of: "notation of arguments", number: UInt64(number))
            }
        }
    }
}

extension ToolCallIDField: FieldRecord {
    package static var blank: Self { Self(key: "", isFirst: false) }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &key)
        try coder.field(2, &isFirst)
    }
}

extension ToolCallHead: FieldRecord {
    package static var blank: Self { Self() }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &front)
        try coder.field(2, &nameStart)
        try coder.list(3, &nameStops)
        try coder.field(4, &filling)
        try coder.field(5, &end)
    }
}

/// One of 1 nothing, 2 number (1 front, 2 first number, 3 back), 3 identifier.
extension ToolCallHead.Filling: FieldMessage {
    package func write(to writer: inout JournalFieldWriter) {
        switch self {
        case .none: writer.message(1) { _ in }
        case .number(var front, var first, var back):
            writer.message(2) { writer in
                writer.field(1, &front)
                writer.field(2, &first)
                writer.field(3, &back)
            }
        case .identifier(let front): writer.scalar(3, front)
        }
    }

    package init(from reader: inout JournalFieldReader) throws(FieldError) {
        let number = try reader.caseNumber(in: 1...Int.max, of: "filling of a head")
        switch number {
        case 1: self = try reader.message { _ throws(FieldError) in .none }
        case 2:
            self = try reader.message { reader throws(FieldError) in
                .number(try reader.value(1), from: try reader.value(2), try reader.value(3))
            }
        case 3: self = .identifier(try String(from: &reader))
        default: throw .unknownCase(of: "filling of a head", number: UInt64(number))
        }
    }
}

extension TaggedArguments: FieldRecord {
    package static var blank: Self { Self(opening: "", middle: .text(""), closing: "") }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &opening)
        try coder.field(2, &middle)
        try coder.field(3, &closing)
        try coder.field(4, &separator)
        try coder.field(5, &allowsCDATA)
        try coder.field(6, &nestedPrefix)
        try coder.field(7, &writesPython)
    }

    package func validate() throws(FieldError) {
        // The parser finds the ends of a key and of a value by these texts.
        var texts = [opening, closing]
        switch middle {
        case .text(let text): texts.append(text)
        case .typed(let front, _, let back): texts += [front, back]
        }
        guard texts.allSatisfy({ $0.contains { !$0.isWhitespace } }) else {
            throw .invalid("chat format: argument without tags")
        }
    }
}

/// One of 1 text, 2 a word for the type (1 front, 2 kind of word, 3 back).
extension TaggedArguments.Middle: FieldMessage {
    package func write(to writer: inout JournalFieldWriter) {
        switch self {
        case .text(let text): writer.scalar(1, text)
        case .typed(var front, var words, var back):
            writer.message(2) { writer in
                writer.field(1, &front)
                writer.field(2, &words)
                writer.field(3, &back)
            }
        }
    }

    package init(from reader: inout JournalFieldReader) throws(FieldError) {
        let number = try reader.caseNumber(in: 1...Int.max, of: "middle of an argument")
        switch number {
        case 1: self = .text(try String(from: &reader))
        case 2:
            self = try reader.message { reader throws(FieldError) in
                .typed(try reader.value(1), try reader.value(2), try reader.value(3))
            }
        default: throw .unknownCase(of: "middle of an argument", number: UInt64(number))
        }
    }
}

extension TaggedArguments.Middle.TypeWords: FieldCase {
    package static let allCases: [Self] = [.isString, .typeName]
    package static var name: StaticString { "word for a type" }
    package var fieldNumber: UInt64 {
        switch self {
        case .isString: 0
        case .typeName: 1
        }
    }
}
