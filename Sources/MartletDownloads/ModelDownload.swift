internal import MartletJSON
package import MartletModels
internal import MartletPlatform
internal import Synchronization

/// The state of a download for displays.
package enum DownloadProgress: Sendable {
    /// The bytes of a file are fetched next. A file that is complete already has no event.
    case began(name: String)
    /// Bytes arrived.
    case advanced(ProgressMeter)
    /// Another process downloads the same file.
    case waiting(name: String)
}

/// Fetches all files of a model into the Hugging Face cache, or one file from any address into a folder.
package struct ModelDownload: Sendable {
    /// The settings of all requests.
    private let settings: DownloadSettings
    private let onProgress: @Sendable (DownloadProgress) -> Void

    /// The files of a downloaded model.
    package struct Result: Sendable, Equatable {
        /// The first part of the model first.
        package var paths: [String]
        package var projectorPath: String?
        /// The file of presets of a repository that has no model of its own, instead of paths.
        package var presetPath: String?

        /// Creates a result.
        package init(paths: [String], projectorPath: String? = nil, presetPath: String? = nil) {
            self.paths = paths
            self.projectorPath = projectorPath
            self.presetPath = presetPath
        }
    }

    /// Creates a download.
    ///
    /// - Parameter onProgress: called on any thread.
    package init(_ settings: DownloadSettings, onProgress: @escaping @Sendable (DownloadProgress) -> Void = { _ in }) {
        self.settings = settings
        self.onProgress = onProgress
    }

    /// The largest answer of the API.
    private static let maximumListByteCount = 32 << 20
    private static let maximumPageCount = 50

    // MARK: Hugging Face

    /// Fetches a model of a repository into a cache.
    ///
    /// - Parameter presetName: the name of a file in the root of the repository that is fetched instead of a model, if there
    ///   is one; nil = a model is fetched.
    /// - Throws: if the repository or the file is unknown, or a download fails. Complete files and parts remain.
    package func fetch(
        _ reference: HubReference, file: String?, into cache: HubCache, wantsProjector: Bool = true,
        presetName: String? = nil
    ) async throws(DownloadError) -> Result {
        let client = DownloadClient(settings)
        do throws(DownloadError) {
            let (commit, files) = try await list(reference.repository, client)
            let presets = file == nil ? try Hub.presets(files, named: presetName) : nil
            let choice: Hub.Choice
            if let presets {
                choice = Hub.Choice(model: [presets])
            } else {
                choice = try Hub.choose(files, reference, file: file, wantsProjector: wantsProjector)
            }
            let base = cache.folder(of: reference.repository)
            let wanted = choice.model + [choice.projector].compactMap { $0 }
            let items = try wanted.map { file throws(DownloadError) in
                DownloadItem(
                    address: try address("/\(reference.repository)/resolve/\(commit)/\(Self.encoded(file.path))"),
                    path: base + "/blobs/" + file.blob, byteCount: file.byteCount, digest: file.digest)
            }
            try await fetch(items, named: wanted.map(\.path), client)
            let snapshot = base + "/snapshots/" + commit
            for file in wanted { try Self.link(snapshot, file) }
            try Self.write(commit, to: base + "/refs", "main")
            await client.shutDown()
            if let presets { return Result(paths: [], presetPath: snapshot + "/" + presets.path) }
            return Result(
                paths: choice.model.map { snapshot + "/" + $0.path },
                projectorPath: choice.projector.map { snapshot + "/" + $0.path })
        } catch {
            await client.shutDown()
            throw error
        }
    }

    /// An address below the endpoint.
    private func address(_ path: String) throws(DownloadError) -> DownloadAddress {
        let base = settings.endpoint.text
        return try DownloadAddress((base.hasSuffix("/") ? String(base.dropLast()) : base) + path)
    }

    /// The commit and all files of a repository.
    private func list(
        _ repository: String, _ client: DownloadClient
    ) async throws(DownloadError) -> (commit: String, files: [HubFile]) {
        let refs = try await json(try address("/api/models/\(repository)/refs"), client).value
        guard let commit = Hub.commit(refs) else { throw DownloadError("\(repository) has no branch") }
        var files: [HubFile] = []
        var page: DownloadAddress? = try address("/api/models/\(repository)/tree/\(commit)?recursive=true")
        var count = 0
        while let current = page {
            let (value, next) = try await json(current, client)
            files += Hub.files(value)
            count += 1
            guard count < Self.maximumPageCount else { break }
            page = try next.map { next throws(DownloadError) in try current.target(of: next) }
            // The token must not follow a page to another host, and no page has a reason to be there.
            guard page?.hasSameOrigin(as: settings.endpoint) ?? true else { break }
        }
        return (commit, files)
    }

    /// The parsed answer of the API, and the address of its next page.
    private func json(
        _ address: DownloadAddress, _ client: DownloadClient
    ) async throws(DownloadError) -> (value: JSONValue, next: String?) {
        let (bytes, next) = try await client.body(address, upTo: Self.maximumListByteCount)
        do {
            return (try JSONParser.parse(bytes), next)
        } catch {
            throw DownloadError("\(address.shownText) is no JSON: \(error)")
        }
    }

    /// The path with `%` for bytes that a URL must not have.
    private static func encoded(_ path: String) -> String {
        path.utf8.reduce(into: "") { text, byte in
            let isPlain =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || [0x2D, 0x2E, 0x2F, 0x5F, 0x7E].contains(byte)
            let digits = String(byte, radix: 16, uppercase: true)
            text += isPlain ? String(UnicodeScalar(byte)) : "%" + (digits.count == 1 ? "0" : "") + digits
        }
    }

    /// Creates the link of a snapshot to a blob, as Hugging Face's tools do: relative, so that the cache can move.
    private static func link(_ snapshot: String, _ file: HubFile) throws(DownloadError) {
        let path = snapshot + "/" + file.path
        let depth = file.path.split(separator: "/").count
        let target = String(repeating: "../", count: depth + 1) + "blobs/" + file.blob
        try FileDownload.makeFolder(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
        if symlink(target, path) == 0 { return }
        guard errno == EEXIST else {
            throw DownloadError("\(path) cannot be created: \(String(cString: strerror(errno)))")
        }
        // An older link, or a copy on a file system without links.
        let temporary = path + ".new"
        unlink(temporary)
        guard symlink(target, temporary) == 0, rename(temporary, path) == 0 else {
            throw DownloadError("\(path) cannot be replaced: \(String(cString: strerror(errno)))")
        }
    }

    /// Writes a small file atomically.
    private static func write(_ text: String, to folder: String, _ name: String) throws(DownloadError) {
        try FileDownload.makeFolder(folder)
        let temporary = "\(folder)/.\(name).\(getpid())"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw DownloadError("\(temporary): \(String(cString: strerror(errno)))") }
        let bytes = Array(text.utf8)
        let isWritten =
            bytes.withUnsafeBytes { MartletPlatform.write(descriptor, $0.baseAddress, $0.count) } == bytes.count
        close(descriptor)
        guard isWritten, rename(temporary, folder + "/" + name) == 0 else {
            unlink(temporary)
            throw DownloadError("\(folder)/\(name) cannot be written")
        }
    }

    // MARK: Any address

    /// Fetches one file, and the other parts of a split model beside it, into a folder.
    package func fetch(_ address: DownloadAddress, into folder: String) async throws(DownloadError) -> Result {
        let name = address.fileName
        guard Hub.isSafe(name), !name.contains("/"), !name.hasPrefix(".") else {
            throw DownloadError("\(address.shownText) does not end in the name of a file")
        }
        var names = [name]
        if let split = SplitName(name), split.count > 1, split.count <= 1_000 {
            names = (1...split.count).map { number in
                "\(split.prefix)-\(Self.padded(number))-of-\(Self.padded(split.count)).gguf"
            }
        }
        let items = try names.map { other throws(DownloadError) in
            DownloadItem(
                address: other == name ? address : try address.target(of: Self.encoded(other)),
                path: folder + "/" + other)
        }
        let client = DownloadClient(settings)
        do throws(DownloadError) {
            try await fetch(items, named: names, client)
            await client.shutDown()
        } catch {
            await client.shutDown()
            throw error
        }
        return Result(paths: items.map(\.path))
    }

    /// A number with five digits, as in names of split models.
    private static func padded(_ number: Int) -> String { String(String(number + 100_000).dropFirst()) }

    // MARK: Files

    /// Fetches files one after the other. The ranges of each file are fetched at the same time.
    private func fetch(_ items: [DownloadItem], named names: [String], _ client: DownloadClient)
        async throws(DownloadError)
    {
        let known = items.compactMap(\.byteCount)
        let clock = ContinuousClock()
        let total = known.count == items.count ? known.reduce(0, +) : nil
        let meter = Mutex<ProgressMeter?>(
            total.map { ProgressMeter(doneByteCount: 0, totalByteCount: $0, at: clock.now) })
        for (item, name) in zip(items, names) {
            let download = FileDownload(
                item: item, client: client,
                onBytes: { [onProgress] count in
                    let snapshot = meter.withLock { meter in
                        if count < 0 { meter?.remove(-count) } else { meter?.add(count, at: clock.now) }
                        return meter
                    }
                    if let snapshot { onProgress(.advanced(snapshot)) }
                },
                onBegin: { [onProgress] byteCount, done in
                    onProgress(.began(name: name))
                    meter.withLock { meter in
                        if total == nil || meter == nil {
                            meter = ProgressMeter(doneByteCount: done, totalByteCount: byteCount, at: clock.now)
                        } else {
                            meter?.resume(Int(clamping: done), at: clock.now)
                        }
                    }
                },
                onWait: { [onProgress] in onProgress(.waiting(name: name)) })
            try await download.run()
        }
    }
}
