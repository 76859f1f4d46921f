package import MartletJSON
package import MartletProtocol
import MartletStreams

/// Reads the scales of LoRA adapters: a list of `{"id","scale"}`.
package enum AdapterFields {
    /// Entries of one list.
    private static let countLimit = 1_024

    /// Validates a list of scales. Whether the adapters exist is the server's concern.
    /// - Parameter name: the field's name in messages; empty for a body that is the list itself.
    /// - Returns: one entry per adapter that the list names. The last entry of an adapter counts; a missing scale is 0.
    package static func read(_ value: JSONValue, name: String) throws(APIError) -> [AdapterScale] {
        guard let entries = value.arrayValue else {
            throw name.isEmpty
                ? APIError(.invalidRequest, "The body must be a list of {\"id\",\"scale\"}, but is \(value.kindName)")
                : .field(name, "Value must be a list of {\"id\",\"scale\"}, but is \(value.kindName)")
        }
        guard entries.count <= countLimit else {
            throw .field(name, "At most \(countLimit) entries are allowed, but got \(entries.count)")
        }
        var scales: [AdapterScale] = []
        for (index, entry) in entries.enumerated() {
            let location = "\(name)[\(index)]"
            guard let id = entry["id"]?.integerValue.flatMap(Int32.init(exactly:)), id >= 0 else {
                throw .field("\(location).id", "Value must be the number of an adapter, from 0 on")
            }
            let given = entry["scale"]
            guard let scale = given == nil ? 0 : given?.doubleValue.map({ Float($0) }), scale.isFinite else {
                throw .field("\(location).scale", "Value must be a finite number")
            }
            scales.removeAll { $0.index == Int(id) }
            scales.append(AdapterScale(index: Int(id), scale: scale))
        }
        return scales
    }
}
