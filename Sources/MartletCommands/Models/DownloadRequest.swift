import MartletDownloads
import MartletModels
import MartletPlatform
import MartletText

/// A download that a command or `martlet serve` asks for: its source, its target and its settings.
struct DownloadRequest: Sendable {
    /// The source of the files.
    enum Source: Sendable, Equatable {
        case repository(HubReference, file: String?)
        case address(DownloadAddress)
    }

    /// The files to fetch.
    let source: Source
    /// The target of files of repositories.
    let cache: HubCache
    /// The folder for files of addresses.
    let folder: String
    /// Whether only files on this machine may be used.
    let isOffline: Bool
    /// Whether the projector of a model is fetched, too.
    let wantsProjector: Bool
    /// Whether a file of presets in the root of the repository is fetched instead of a model.
    var acceptsPresets = false
    /// Endpoint, token and proxy.
    let settings: DownloadSettings

    /// Validates a request. No connection is opened.
    /// - Parameters:
    ///   - text: `ORG/NAME[:QUANTIZATION]` or an address.
    ///   - isRepository: Whether only the first form is allowed.
    ///   - folder: The folder for files of addresses; `nil` = ``downloadFolder``.
    /// - Throws: If the text has neither form, or a variable is wrong.
    init(
        _ text: String, isRepository: Bool = false, file: String?, folder: String?, token: String? = nil,
        connections: Int = 4, isOffline: Bool, wantsProjector: Bool = true, environment: (String) -> String?
    ) throws {
        func variable(_ names: String...) -> String? { names.lazy.compactMap(environment).first { !$0.isEmpty } }
        if let reference = HubReference(text) {
            source = .repository(reference, file: file)
        } else if !isRepository, text.contains("://") {
            source = .address(try DownloadAddress(text))
        } else {
            throw DownloadError(
                "'\(text.excerpt(bytes: 80))' is no source; a source is ORG/NAME[:QUANTIZATION]"
                    + (isRepository ? "" : " or an https address"))
        }
        guard let cacheFolder = HubCache.folder(environment: environment),
            let folder = folder ?? Self.downloadFolder(environment: environment)
        else { throw DownloadError("there is no home folder; set HF_HOME and --models-dir") }
        cache = HubCache(folder: cacheFolder)
        self.folder = folder
        self.isOffline =
            isOffline
            || variable("HF_HUB_OFFLINE").map { ["1", "true", "yes", "on"].contains($0.lowercased()) } ?? false
        self.wantsProjector = wantsProjector
        let endpoint = try DownloadAddress(variable("HF_ENDPOINT", "MODEL_ENDPOINT") ?? "https://huggingface.co")
        var settings = DownloadSettings(endpoint: endpoint)
        settings.token = try Self.token(token ?? variable("HF_TOKEN"))
        settings.connectionCount = connections
        settings.proxies = try ProxyRules(environment: environment)
        settings.certificateFile = variable("SSL_CERT_FILE")
        self.settings = settings
    }

    /// A token without characters that would begin another header.
    private static func token(_ text: String?) throws(DownloadError) -> String? {
        guard let text else { return nil }
        guard text.utf8.count <= 512, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw DownloadError("HF_TOKEN must have at most 512 visible ASCII characters")
        }
        return text
    }

    /// `martlet/models` in the user's folder of caches; `nil` without a home folder.
    static func downloadFolder(environment: (String) -> String?) -> String? {
        if let folder = environment("XDG_CACHE_HOME"), !folder.isEmpty { return folder + "/martlet/models" }
        return environment("HOME").map { $0 + "/.cache/martlet/models" }
    }

    /// The path of a file of an address in the folder of downloads; `nil` for a text that is no address of a file.
    @Sendable static func path(ofAddress text: String) -> String? {
        guard let address = try? DownloadAddress(text), !address.fileName.isEmpty, !address.fileName.contains("/"),
            let folder = downloadFolder(environment: CurrentProcess.environment)
        else { return nil }
        return folder + "/" + address.fileName
    }

    /// Downloads, or finds the files on this machine if the request is offline.
    func run(_ display: DownloadDisplay) async throws(DownloadError) -> ModelDownload.Result {
        if isOffline { return try local() }
        let download = ModelDownload(settings) { display.show($0) }
        switch source {
        case .repository(let reference, let file):
            return try await download.fetch(
                reference, file: file, into: cache, wantsProjector: wantsProjector,
                presetName: acceptsPresets ? RemotePresets.fileName : nil)
        case .address(let address): return try await download.fetch(address, into: folder)
        }
    }

    /// The files that an earlier download left.
    private func local() throws(DownloadError) -> ModelDownload.Result {
        switch source {
        case .address(let address):
            let path = folder + "/" + address.fileName
            guard FileListing.stamp(path) != nil else {
                throw DownloadError("\(path) is not on this machine, and --offline forbids a download")
            }
            return ModelDownload.Result(paths: [path])
        case .repository(let reference, let file):
            let models = cache.models(of: reference.repository)
            if acceptsPresets, file == nil, let snapshot = cache.snapshot(of: reference.repository),
                FileListing.stamp(snapshot + "/" + RemotePresets.fileName) != nil
            {
                return ModelDownload.Result(paths: [], presetPath: snapshot + "/" + RemotePresets.fileName)
            }
            if let file {
                let found = models.first { $0.paths.first?.hasSuffix("/" + file) ?? false }
                if let found { return ModelDownload.Result(paths: found.paths, projectorPath: found.projectorPath) }
            } else if case .model(let model) = ModelRegistry(models).resolve(reference.description),
                !model.paths.isEmpty
            {
                return ModelDownload.Result(paths: model.paths, projectorPath: model.projectorPath)
            }
            throw DownloadError("\(reference) is not on this machine, and --offline forbids a download")
        }
    }
}
