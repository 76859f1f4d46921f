import MartletJSON
import MartletText

/// One schema of a document, with its keywords read and checked. Other schemas are named by their number.
///
/// Written by `SchemaParser` alone, and done when that is. A class, as it is looked at far too often to be copied.
final class SchemaNode {
    /// The JSON pointer, as a URI fragment.
    let pointer: String
    /// What a schema that is `true` or `false` says.
    var constant: Bool?
    var types: JSONTypes?
    var enumeration: [JSONValue]? {
        didSet { canonicalValues = Set(enumeration?.map(JSONEquality.canonical) ?? []) }
    }
    /// The values of `enumeration` in the form in which equal ones are the same.
    private(set) var canonicalValues: Set<JSONValue> = []

    var minimum: DecimalNumber?
    var excludesMinimum = false
    var exclusiveMinimum: DecimalNumber?
    var maximum: DecimalNumber?
    var excludesMaximum = false
    var exclusiveMaximum: DecimalNumber?
    var divisor: DecimalNumber?

    var minLength: Int?
    var maxLength: Int?
    var pattern: String?
    var format: String?

    var properties: [(key: String, node: Int)] = []
    var propertyNumbers: [ExactString: Int] = [:]
    var patternProperties: [(pattern: String, node: Int)] = []
    var additionalProperties: Int?
    var propertyNames: Int?
    var required: [String] = []
    var minProperties: Int?
    var maxProperties: Int?
    var dependentRequired: [(key: String, required: [String])] = []
    var dependentSchemas: [(key: String, node: Int)] = []
    var unevaluatedProperties: Int?

    var prefixItems: [Int] = []
    var items: Int?
    var contains: Int?
    var minContains: Int?
    var maxContains: Int?
    var minItems: Int?
    var maxItems: Int?
    var hasUniqueItems = false
    var unevaluatedItems: Int?

    var reference: Int?
    var allOf: [Int] = []
    var anyOf: [Int] = []
    var oneOf: [Int] = []
    var not: Int?
    var condition: Int?
    var thenBranch: Int?
    var elseBranch: Int?
    /// Whether other keywords beside `$ref` mean nothing, as before the draft of 2019.
    var referenceHidesSiblings = false

    /// Whether it says nothing but what the schema that it refers to says.
    var isOnlyReference = false
    /// Whether it says nothing but that another schema must not hold.
    var isOnlyNegation = false
    /// Whether `$ref` or `allOf` stands in front of `properties`, so that the members of those come first.
    var namesMembersLast = false

    init(pointer: String) { self.pointer = pointer }

    /// Whether it says anything about which members an object may have.
    var hasMemberKeywords: Bool {
        !properties.isEmpty || !patternProperties.isEmpty || additionalProperties != nil
    }

    /// Whether it says anything about the members or items that a value has.
    var saysWhatParts: Bool {
        hasMemberKeywords || propertyNames != nil || unevaluatedProperties != nil || !prefixItems.isEmpty
            || items != nil || contains != nil || unevaluatedItems != nil
    }

    /// The schemas that the same value has to do with.
    var inPlace: [Int] {
        var nodes = [reference, not, condition, thenBranch, elseBranch].compactMap(\.self)
        nodes += allOf
        nodes += anyOf
        nodes += oneOf
        nodes += dependentSchemas.map(\.node)
        return nodes
    }
}
