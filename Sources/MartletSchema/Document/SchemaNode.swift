import MartletJSON
import MartletText

/// One schema of a document with its keywords decoded and checked. Other schemas are referred to by number.
///
/// `SchemaParser` and `ListedAlternatives` write it; afterwards it is constant. It is a class, as expansion reads it in
/// its inner loops and copies of so many fields would be slow. `nil` and empty mean that the keyword is absent.
final class SchemaNode {
    /// The JSON pointer of the schema, as a URI fragment.
    let pointer: String
    /// The value of a schema that is `true` (admits every value) or `false` (admits none).
    var constant: Bool?
    var types: JSONTypes?
    /// The values of `enum` and `const`; of both, the values in common.
    var enumeration: [JSONValue]? {
        didSet { canonicalValues = Set(enumeration?.map(JSONEquality.canonical) ?? []) }
    }
    /// The canonical forms of `enumeration`, to look up a value in constant time.
    private(set) var canonicalValues: Set<JSONValue> = []

    /// Bounds of numbers, in exact decimal. `excludesMinimum` and `excludesMaximum` are the booleans of draft 4, which
    /// modify `minimum` and `maximum`; the exclusive bounds are those of draft 6 and later.
    var minimum: DecimalNumber?
    var excludesMinimum = false
    var exclusiveMinimum: DecimalNumber?
    var maximum: DecimalNumber?
    var excludesMaximum = false
    var exclusiveMaximum: DecimalNumber?
    var divisor: DecimalNumber?

    /// Keywords of strings; lengths count Unicode scalars.
    var minLength: Int?
    var maxLength: Int?
    var pattern: String?
    var format: String?

    /// Keywords of objects. `propertyNumbers` finds the schema of a name; `properties` has their order.
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

    /// Keywords of arrays. An array in `items` of older drafts was decoded to `prefixItems`, `additionalItems` to
    /// `items`.
    var prefixItems: [Int] = []
    var items: Int?
    var contains: Int?
    var minContains: Int?
    var maxContains: Int?
    var minItems: Int?
    var maxItems: Int?
    var hasUniqueItems = false
    var unevaluatedItems: Int?

    /// The target of `$ref`, followed by the keywords that combine schemas for the same value.
    var reference: Int?
    var allOf: [Int] = []
    var anyOf: [Int] = []
    var oneOf: [Int] = []
    var not: Int?
    var condition: Int?
    var thenBranch: Int?
    var elseBranch: Int?
    /// Whether keywords beside `$ref` are ignored, as before draft 2019-09.
    var referenceHidesSiblings = false

    /// Whether the schema consists of `$ref`. A state contains its target instead, so that equal states are found
    /// equal.
    var isOnlyReference = false
    /// Whether the schema consists of `not`. A state contains the negated inner schema instead.
    var isOnlyNegation = false
    /// Whether `$ref` or `allOf` precedes `properties` in the text, so that the members of those schemas come
    /// first.
    var namesMembersLast = false

    init(pointer: String) { self.pointer = pointer }

    /// Whether it constrains members by name.
    var hasMemberKeywords: Bool {
        !properties.isEmpty || !patternProperties.isEmpty || additionalProperties != nil
    }

    /// Whether it constrains the members or items of a value, so that listed values would have to be tested in
    /// depth.
    var saysWhatParts: Bool {
        hasMemberKeywords || propertyNames != nil || unevaluatedProperties != nil || !prefixItems.isEmpty
            || items != nil || contains != nil || unevaluatedItems != nil
    }

    /// The schemas that it applies to the same value (the in-place applicators of core, section 10.2, and `$ref`).
    var inPlace: [Int] {
        var nodes = [reference, not, condition, thenBranch, elseBranch].compactMap(\.self)
        nodes += allOf
        nodes += anyOf
        nodes += oneOf
        nodes += dependentSchemas.map(\.node)
        return nodes
    }
}
