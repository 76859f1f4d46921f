package import MartletJSON
import OrderedCollections

/// The tools that a model may call, as a reader of its answer needs to know them.
package struct OfferedTools: Sendable, Equatable {
    package struct Tool: Sendable, Equatable {
        package var name: String
        /// A JSON schema of an object; `null` = no arguments are described.
        package var parameters: JSONValue

        package init(name: String, parameters: JSONValue) {
            self.name = name
            self.parameters = parameters
        }
    }
    package let tools: [Tool]
    private let numbers: [String: Int]

    package init(_ tools: [Tool]) {
        self.tools = tools
        numbers = Dictionary(tools.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The tool of that name.
    func number(of name: String) -> Int? { numbers[name] }

    /// What the argument `key` of a tool may be.
    func types(of key: String, inTool number: Int) -> JSONTypes {
        let schema = tools[number].parameters
        guard let property = schema["properties"]?[key] else { return .any }
        return JSONTypes(schema: property, root: schema)
    }
}

/// A set of kinds of JSON values.
package struct JSONTypes: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let string = JSONTypes(rawValue: 1)
    package static let integer = JSONTypes(rawValue: 2)
    package static let number: JSONTypes = [.integer, JSONTypes(rawValue: 4)]
    package static let boolean = JSONTypes(rawValue: 8)
    package static let array = JSONTypes(rawValue: 16)
    package static let object = JSONTypes(rawValue: 32)
    package static let null = JSONTypes(rawValue: 64)
    package static let any = JSONTypes(rawValue: 127)

    /// The kind of `value`.
    init(of value: JSONValue) {
        self =
            switch value {
            case .null: .null
            case .bool: .boolean
            case .integer: .integer
            case .number(let number): number == number.rounded() ? .number : JSONTypes(rawValue: 4)
            case .string: .string
            case .array: .array
            case .object: .object
            }
    }

    /// Deepest nesting of references and combinations that is followed.
    private static let maximumDepth = 16

    /// What a schema allows at most.
    package init(schema: JSONValue, root: JSONValue, depth: Int = 0) {
        self = .any
        guard depth < Self.maximumDepth, case .object(let members) = schema else { return }
        if let reference = members["$ref"]?.stringValue {
            let target = Self.resolve(reference, in: root)
            formIntersection(target.map { Self(schema: $0, root: root, depth: depth + 1) } ?? .any)
        }
        switch members["type"] {
        case .string(let name)?: formIntersection(Self(name: name))
        case .array(let names)?:
            formIntersection(names.reduce(into: []) { $0.formUnion(Self(name: $1.stringValue ?? "")) })
        default: break
        }
        if let value = members["const"] { formIntersection(Self(of: value)) }
        if case .array(let values)? = members["enum"] {
            formIntersection(values.reduce(into: []) { $0.formUnion(Self(of: $1)) })
        }
        for keyword in ["anyOf", "oneOf"] {
            guard case .array(let schemas)? = members[keyword] else { continue }
            formIntersection(
                schemas.reduce(into: []) { $0.formUnion(Self(schema: $1, root: root, depth: depth + 1)) })
        }
        if case .array(let schemas)? = members["allOf"] {
            for schema in schemas { formIntersection(Self(schema: schema, root: root, depth: depth + 1)) }
        }
    }

    private init(name: String) {
        self =
            switch name {
            case "string": .string
            case "integer": .integer
            case "number": .number
            case "boolean": .boolean
            case "array": .array
            case "object": .object
            case "null": .null
            default: .any
            }
    }

    /// What a reference within the document names.
    private static func resolve(_ reference: String, in root: JSONValue) -> JSONValue? {
        guard reference.hasPrefix("#") else { return nil }
        var value = root
        for part in reference.dropFirst().split(separator: "/") {
            let key = String(part.replacing("~1", with: "/").replacing("~0", with: "~"))
            guard let next = value[key] else { return nil }
            value = next
        }
        return value
    }
}

/// The text of an argument's value, as tags hold it.
enum ArgumentText {
    /// The JSON of it: what it says as JSON or as Python's literal, if the argument may be of that kind, else a string.
    static func json(_ text: [UInt8], as types: JSONTypes) -> [UInt8] {
        if types != .string {
            for dialect in [ArgumentTranscriber.Dialect.json, .python] {
                guard let bytes = transcribed(text, dialect), let value = try? JSONParser.parse(bytes) else { continue }
                let type = JSONTypes(of: value)
                // Strings stand there as they are, without quotes.
                if type == .string { break }
                if !type.isDisjoint(with: types) || !types.contains(.string) { return bytes }
            }
        }
        var bytes: [UInt8] = []
        JSONText.appendString(text, to: &bytes)
        return bytes
    }

    /// - Returns: `nil` when the text is more or less than one value.
    private static func transcribed(_ text: [UInt8], _ dialect: ArgumentTranscriber.Dialect) -> [UInt8]? {
        var transcriber = ArgumentTranscriber(dialect)
        var output: [UInt8] = []
        var isDone = false
        for byte in text {
            if isDone {
                guard ArgumentTranscriber.isSpace(byte) else { return nil }
                continue
            }
            switch transcriber.take(byte, into: &output) {
            case .more: break
            case .done(let isTaken):
                isDone = true
                if !isTaken, !ArgumentTranscriber.isSpace(byte) { return nil }
            case .failed: return nil
            }
        }
        return isDone || transcriber.finish(into: &output) ? output : nil
    }
}
