import MartletJSON
import MartletProtocol
import MartletText
import OrderedCollections

/// Reads `logit_bias`: a list of pairs, or an object. A token is an id or a text, and `false` bans it.
///
/// Ids are compared with the vocabulary later, because a request may come before the model has loaded.
enum LogitBiasField {
    /// Entries of one request, and bytes of one text.
    private static let countLimit = 65_536
    private static let textLimit = 4_096

    /// The most errors for ids that no vocabulary can have.
    private static let unknownLimit = 8

    /// - Returns: the biases, and an error for each id that no vocabulary can have; nil if the field is absent.
    static func read(_ fields: FieldReader) throws(APIError) -> (biases: [LogitBias], unknown: [APIError])? {
        guard let value = fields.value("logit_bias") else { return nil }
        let path = fields.path("logit_bias")
        var biases: [LogitBias] = []
        var unknown: [APIError] = []
        /// - Parameter id: an integer of any size, in digits.
        /// Adds a bias for an id, or records an error for an id that no vocabulary can have.
        func add(_ id: String, _ name: String, bias: Float) {
            if let id = Int32(id), id >= 0 {
                biases.append(LogitBias(.token(id), bias: bias))
            } else if unknown.count < unknownLimit {
                unknown.append(
                    .field(name, "The token id must be between 0 and \(Int32.max), but is \(id.excerpt(bytes: 64))"))
            }
        }
        switch value {
        case .array(let pairs):
            try check(count: pairs.count, path)
            for (index, pair) in pairs.enumerated() {
                let name = "\(path)[\(index)]"
                guard let pair = pair.arrayValue, pair.count == 2 else {
                    throw .field(name, "Value must be a pair of a token and a bias, but got \(FieldReader.short(pair))")
                }
                let bias = try bias(pair[1], name)
                // A string is a text, even if it has only digits.
                if let text = pair[0].stringValue {
                    biases.append(LogitBias(.text(try checked(text, name)), bias: bias))
                } else if let id = pair[0].integerDigits {
                    add(id, name, bias: bias)
                } else {
                    throw .field(name, "The token must be an id or a string, but is \(FieldReader.short(pair[0]))")
                }
            }
        case .object(let members):
            try check(count: members.count, path)
            for (key, value) in members {
                let name = "\(path).\(key.excerpt(bytes: 64))"
                let bias = try bias(value, name)
                // Names of members are always strings, so digits are an id here.
                if isInteger(key) {
                    add(key, name, bias: bias)
                } else {
                    biases.append(LogitBias(.text(try checked(key, name)), bias: bias))
                }
            }
        default: throw fields.mismatch("logit_bias", "a list of pairs or an object", value)
        }
        return (biases, unknown)
    }

    /// Whether a member's name is an id and not a text.
    private static func isInteger(_ text: String) -> Bool {
        let isSigned = text.utf8.first == UInt8(ascii: "-") || text.utf8.first == UInt8(ascii: "+")
        let digits = isSigned ? text.utf8.dropFirst() : text.utf8[...]
        return !digits.isEmpty && digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    /// Checks the number of entries.
    private static func check(count: Int, _ path: String) throws(APIError) {
        guard count <= countLimit else {
            throw .field(path, "At most \(countLimit) tokens are allowed, but got \(count)")
        }
    }

    /// A token's text of 1 to 4,096 bytes.
    private static func checked(_ text: String, _ name: String) throws(APIError) -> String {
        guard !text.isEmpty, text.utf8.count <= textLimit else {
            throw .field(name, "The token's text must have 1 to \(textLimit) bytes, but has \(text.utf8.count)")
        }
        return text
    }

    /// The bias of an entry; `false` = minus infinity.
    private static func bias(_ value: JSONValue, _ name: String) throws(APIError) -> Float {
        if value.boolValue == false { return -.infinity }
        guard let bias = value.doubleValue.map({ Float($0) }), bias.isFinite else {
            throw .field(name, "The bias must be a finite number or false, but is \(FieldReader.short(value))")
        }
        return bias
    }
}
