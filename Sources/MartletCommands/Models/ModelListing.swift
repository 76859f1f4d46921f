import MartletFiles
import MartletJSON
import MartletModels
import MartletPlatform
import MartletText

/// The registered models with the facts of their files, read through a cache on disk.
struct ModelListing {
    /// A model with the facts of its files.
    struct Item {
        /// The entry of the registry.
        var model: RegisteredModel
        /// `nil` if the model has a problem or no file.
        /// The capabilities include those of the projector.
        var summary: ModelSummary?
        /// The kind of the file; `.model` if no head was read.
        var kind = ModelSummary.Kind.model
        /// The reason for which the model cannot be loaded, as a predicate; `nil` = none.
        var problem: String?

        /// `ready to load`, `not downloaded` or the problem.
        var statusText: String {
            if let problem { return problem }
            return model.isComplete ? "ready to load" : "not downloaded"
        }
    }

    /// All models by name.
    let items: [Item]

    /// Reads the heads of files that are new or have changed.
    /// - Parameter cachePath: The file of the cache; `nil` = no cache on disk.
    init(_ registry: ModelRegistry, cachePath: String? = ModelListing.cachePath) {
        var cache = cachePath.map(Self.read) ?? SummaryCache()
        items = registry.models.map { Self.item($0, &cache) }
        if let cachePath, cache.isChanged { Self.write(cache, to: cachePath) }
    }

    /// The facts of one model, without a cache.
    static func item(_ model: RegisteredModel) -> Item {
        var cache = SummaryCache()
        return item(model, &cache)
    }

    /// The facts of a model's files, projector included. A file of another kind is a problem.
    private static func item(_ model: RegisteredModel, _ cache: inout SummaryCache) -> Item {
        var item = Item(model: model, problem: model.problem)
        guard !model.paths.isEmpty else { return item }
        switch cache.entry(model.paths) {
        case .problem(let text): item.problem = model.problem ?? text
        case .summary(let summary):
            item.kind = summary.kind
            if let problem = summary.kind.problem {
                item.problem = problem
                return item
            }
            item.summary = summary
            guard let projector = model.projectorPath else { return item }
            switch cache.entry([projector]) {
            case .summary(let encoder):
                let found = Set(summary.capabilities + encoder.capabilities)
                item.summary?.capabilities = ModelSummary.Capability.allCases.filter(found.contains)
            case .problem(let text): item.problem = "its projector \(projector) \(text)"
            }
        }
        return item
    }

    // MARK: Cache on disk

    /// `martlet/heads.json` in the user's folder of caches; `nil` without a home folder.
    static var cachePath: String? {
        if let folder = CurrentProcess.environment("XDG_CACHE_HOME"), !folder.isEmpty {
            return folder + "/martlet/heads.json"
        }
        return CurrentProcess.environment("HOME").map { $0 + "/.cache/martlet/heads.json" }
    }

    /// The longest file of a cache. 1,000 models need about 400 KiB.
    private static let maximumByteCount = 64 << 20

    /// The cache on disk. A file that cannot be read is an empty cache.
    private static func read(_ path: String) -> SummaryCache {
        guard let bytes = try? OpenFile.bytes(of: path, upTo: maximumByteCount),
            let json = try? JSONParser.parse(bytes)
        else { return SummaryCache() }
        return SummaryCache(json: json)
    }

    /// Replaces the file atomically. A failure costs only time at the next list.
    private static func write(_ cache: SummaryCache, to path: String) {
        let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        mkdir(folder, 0o700)
        let temporary = "\(path).\(getpid())"
        guard (try? SmallFile.write(cache.json.text, to: temporary, for: "the cache")) != nil else { return }
        if rename(temporary, path) != 0 { unlink(temporary) }
    }
}

extension ModelListing.Item {
    /// The facts as JSON, in the members that clients of `/v1/models` read.
    var json: JSONValue {
        var members: JSONObject = ["id": .string(model.name), "source": .string(model.source.rawValue)]
        members["aliases"] = .array(model.aliases.map { .string($0) })
        members["tags"] = .array(model.tags.map { .string($0) })
        members["paths"] = .array(model.paths.map { .string($0) })
        members["mmproj"] = model.projectorPath.map { .string($0) }
        members["draft"] = model.draftPath.map { .string($0) }
        members["in_cache"] = .bool(model.source == .cache)
        members["problem"] = problem.map { .string($0) }
        // The facts of a model state the kind, too.
        if kind != .model { members["kind"] = .string(kind.rawValue) }
        if !model.settings.isEmpty {
            members["settings"] = .object(
                JSONObject(model.settings.map { ($0.name, .string($0.value)) }, uniquingKeysWith: { $1 }))
        }
        guard let summary else { return .object(members) }
        for (key, value) in summary.json where key != "name" { members[key] = value }
        members["name"] = summary.displayName.map { .string($0) }
        if let length = summary.trainedContextLength {
            members["meta"] = .object(["n_ctx_train": .integer(Int64(length))])
        }
        return .object(members)
    }
}
