package import MartletJSON
internal import MartletText

extension SummaryCache {
    /// The version of the form. A file of another version is ignored.
    private static let version: Int64 = 2

    /// The cache as JSON: an object with a member per path.
    package var json: JSONValue {
        var files = JSONObject()
        for (path, known) in stored.sorted(by: { $0.key < $1.key }) {
            files[path.text] = .array([.array(known.stamps.map(Self.json)), Self.json(known.entry)])
        }
        return .object(["version": .integer(Self.version), "files": .object(files)])
    }

    /// Reads a cache. Members of another form are left out, because the heads can be read again.
    package init(json: JSONValue) {
        var stored: [ExactString: Stored] = [:]
        if json["version"]?.integerValue == Self.version, let files = json["files"]?.objectValue {
            for (path, value) in files {
                guard let parts = value.arrayValue, parts.count == 2, let stamps = parts[0].arrayValue,
                    let entry = Self.entry(parts[1])
                else { continue }
                let decoded = stamps.compactMap(Self.stamp)
                guard decoded.count == stamps.count else { continue }
                stored[ExactString(path)] = Stored(stamps: decoded, entry: entry)
            }
        }
        self.init(stored: stored)
    }

    private static func json(_ stamp: FileListing.Stamp) -> JSONValue {
        .array([JSONValue(stamp.byteCount), .integer(stamp.modified)])
    }

    private static func stamp(_ value: JSONValue) -> FileListing.Stamp? {
        guard let parts = value.arrayValue, parts.count == 2, let bytes = parts[0].unsignedValue,
            let modified = parts[1].integerValue
        else { return nil }
        return FileListing.Stamp(byteCount: bytes, modified: modified)
    }

    private static func json(_ entry: Entry) -> JSONValue {
        switch entry {
        case .problem(let text): .object(["problem": .string(text)])
        case .summary(let summary): .object(summary.json)
        }
    }

    private static func entry(_ value: JSONValue) -> Entry? {
        if let problem = value["problem"]?.stringValue { return .problem(problem) }
        return ModelSummary(json: value).map { .summary($0) }
    }
}

extension ModelSummary {
    /// The facts as JSON. Absent facts have no member.
    package var json: JSONObject {
        var members: JSONObject = [
            "kind": .string(kind.rawValue), "architecture": .string(architecture),
            "parameters": JSONValue(parameterCount),
            "size": JSONValue(byteCount), "quantization": .string(quantization),
            "chat_template": .bool(hasChatTemplate),
            "capabilities": .array(capabilities.map { .string($0.rawValue) }),
        ]
        members["name"] = displayName.map { .string($0) }
        members["context_length"] = trainedContextLength.map { .integer(Int64($0)) }
        members["vocabulary"] = vocabularySize.map { .integer(Int64($0)) }
        return members
    }

    /// Reads facts; `nil` if a required member is missing or has another form.
    package init?(json: JSONValue) {
        guard let kind = json["kind"]?.stringValue.flatMap(Kind.init),
            let architecture = json["architecture"]?.stringValue,
            let parameters = json["parameters"]?.unsignedValue, let bytes = json["size"]?.unsignedValue,
            let quantization = json["quantization"]?.stringValue, let hasTemplate = json["chat_template"]?.boolValue,
            let capabilities = json["capabilities"]?.arrayValue
        else { return nil }
        self.init(
            kind: kind, architecture: architecture, displayName: json["name"]?.stringValue, parameterCount: parameters,
            byteCount: bytes, quantization: quantization,
            trainedContextLength: json["context_length"]?.integerValue.map { Int($0) },
            vocabularySize: json["vocabulary"]?.integerValue.map { Int($0) }, hasChatTemplate: hasTemplate,
            capabilities: capabilities.compactMap { $0.stringValue.flatMap(Capability.init) })
    }
}
