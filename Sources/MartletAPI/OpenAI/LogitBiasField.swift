import MartletJSON
import MartletProtocol
import OrderedCollections

/// `logit_bias`: a list of pairs, or an object. A token is an id or a text, and `false` bans it.
///
/// Whether an id is in the vocabulary is for the engine to say.
enum LogitBiasField {
    private static let countLimit = 65_536
    private static let textLimit = 4_096

    static func read(_ fields: FieldReader) throws(APIError) -> [LogitBias]? {
        guard let value = fields.value("logit_bias") else { return nil }
        let path = fields.path("logit_bias")
        var biases: [LogitBias] = []
        switch value {
        case .array(let pairs):
            try check(count: pairs.count, path)
            for (index, pair) in pairs.enumerated() {
                let name = "\(path)[\(index)]"
                guard let pair = pair.arrayValue, pair.count == 2 else {
                    throw .field(name, "Value must be a pair of a token and a bias, but got \(FieldReader.short(pair))")
                }
                biases.append(LogitBias(try target(pair[0], name), bias: try bias(pair[1], name)))
            }
        case .object(let members):
            try check(count: members.count, path)
            for (key, value) in members {
                let name = "\(path).\(key.prefix(64))"
                let bias = try bias(value, name)
                if let id = Int64(key) {
                    biases.append(LogitBias(try token(id, name), bias: bias))
                } else {
                    biases.append(LogitBias(try text(key, name), bias: bias))
                }
            }
        default: throw fields.mismatch("logit_bias", "a list of pairs or an object", value)
        }
        return biases
    }

    private static func check(count: Int, _ path: String) throws(APIError) {
        guard count <= countLimit else {
            throw .field(path, "At most \(countLimit) tokens are allowed, but got \(count)")
        }
    }

    private static func target(_ value: JSONValue, _ name: String) throws(APIError) -> LogitBias.Target {
        if let string = value.stringValue { return try text(string, name) }
        guard let id = value.integerValue else {
            throw .field(name, "The token must be an id or a string, but is \(FieldReader.short(value))")
        }
        return try token(id, name)
    }

    private static func token(_ id: Int64, _ name: String) throws(APIError) -> LogitBias.Target {
        guard let id = Int32(exactly: id), id >= 0 else {
            throw .field(name, "The token id must be between 0 and \(Int32.max), but is \(id)")
        }
        return .token(id)
    }

    private static func text(_ text: String, _ name: String) throws(APIError) -> LogitBias.Target {
        guard !text.isEmpty, text.utf8.count <= textLimit else {
            throw .field(name, "The token's text must have 1 to \(textLimit) bytes, but has \(text.utf8.count)")
        }
        return .text(text)
    }

    private static func bias(_ value: JSONValue, _ name: String) throws(APIError) -> Float {
        if value.boolValue == false { return -.infinity }
        guard let bias = value.doubleValue.map({ Float($0) }), bias.isFinite else {
            throw .field(name, "The bias must be a finite number or false, but is \(FieldReader.short(value))")
        }
        return bias
    }
}
