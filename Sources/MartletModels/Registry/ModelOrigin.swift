internal import MartletText

/// The place from which files of a model can be downloaded.
///
/// Example: `hf-repo = ggml-org/Qwen3-0.6B-GGUF:Q8_0` in a section of presets, or `model-url = https://host/model.gguf`.
package enum ModelOrigin: Sendable, Equatable, CustomStringConvertible {
    /// A model of a repository; `file` is a path in it that replaces the choice by the quantization.
    case repository(HubReference, file: String?)
    /// The https address of a file.
    case address(String)

    /// `org/name:QUANTIZATION`, `org/name/file.gguf`, or the address without its query, which may be a credential.
    package var description: String {
        switch self {
        case .repository(let reference, nil): reference.description
        case .repository(let reference, let file?): "\(reference.repository)/\(file)"
        case .address(let text): text.split(separator: "?", maxSplits: 1).first.map(String.init) ?? ""
        }
    }
}

/// The files of a section of presets that come from somewhere else.
extension ModelSources {
    /// The keys that name origins.
    package static let originKeys = [repositoryKey, fileKey, addressKey, draftRepositoryKey]
    private static let repositoryKey = "hf-repo"
    private static let fileKey = "hf-file"
    private static let addressKey = "model-url"
    /// The key of a draft model in a repository.
    package static let draftRepositoryKey = "spec-draft-hf"

    /// Sets the files of a section: the paths on this machine, or the origins from which the files can be downloaded.
    ///
    /// - Parameter known: the models of all sources with a lower precedence, those of the cache among them.
    func setFiles(of model: inout RegisteredModel, among known: [RegisteredModel]) {
        if model.draftPath == nil, let text = model.setting(Self.draftRepositoryKey) {
            guard let reference = HubReference(text) else {
                return refuse(&model, Self.draftRepositoryKey, text)
            }
            model.draftPath = Self.cached(reference, file: nil, among: known)?.paths.first
            if model.draftPath == nil { model.missing.append(.repository(reference, file: nil)) }
        }
        if let path = model.setting("model") {
            model.paths = [path]
        } else if let address = model.setting(Self.addressKey) {
            guard let path = downloadPath(address) else { return refuse(&model, Self.addressKey, address) }
            model.paths = FileListing.stamp(path) == nil ? [] : ModelSources.parts(of: path)
            if model.paths.isEmpty { model.missing.append(.address(address)) }
        } else if let text = model.setting(Self.repositoryKey), HubReference(text) == nil {
            refuse(&model, Self.repositoryKey, text)
        } else if model.setting(Self.repositoryKey) == nil,
            known.contains(where: { $0.name.hasSameBytes(as: model.name) })
        {
            // The section has settings of that model, whose files it gets by its name.
            return
        } else if let reference = HubReference(model.setting(Self.repositoryKey) ?? model.name) {
            let file = model.setting(Self.fileKey)
            model.repository = reference
            if let found = Self.cached(reference, file: file, among: known) {
                model.paths = found.paths
                model.projectorPath = model.projectorPath ?? found.projectorPath
            } else {
                model.missing.append(.repository(reference, file: file))
            }
        } else {
            model.problem = "has no file: its section needs 'model = PATH' or 'hf-repo = ORG/NAME'"
        }
    }

    /// The model of the cache that a reference means, or that has this file; nil if it is not on this machine.
    private static func cached(
        _ reference: HubReference, file: String?, among known: [RegisteredModel]
    ) -> RegisteredModel? {
        guard let file else {
            guard case .model(let found) = ModelRegistry(known).resolve(reference.description), !found.paths.isEmpty
            else { return nil }
            return found
        }
        return known.first { model in
            guard let repository = model.repository?.repository, repository.hasSameBytes(as: reference.repository)
            else {
                return false
            }
            return model.paths.first?.hasSuffix("/" + file) ?? false
        }
    }

    /// Records a value that is no origin.
    private func refuse(_ model: inout RegisteredModel, _ key: String, _ text: String) {
        let form = key == Self.addressKey ? "an https address of a file" : "ORG/NAME with an optional :QUANTIZATION"
        model.problem = "has a wrong setting: \(key) must be \(form), not '\(text.excerpt(bytes: 128))'"
    }
}
