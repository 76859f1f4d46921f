import MartletAPI
import MartletFiles
import MartletGenerations
import MartletGrammar
import MartletJSON
import MartletPlatform
import MartletProtocol
import MartletSchema
import MartletServer

extension ServerConfiguration {
    /// Reads the settings of the edge. Settings that are not set leave the configuration's own default.
    /// - Parameter notice: Receives a line about each value that was ignored.
    /// - Throws: If a file of a setting cannot be read, or settings contradict each other.
    init(_ values: SettingValues, notice: (String) -> Void = { _ in }) throws(SettingError) {
        self.init()
        (addresses, port) = try Self.addresses(values)
        apiKeys = APIKeys(values.list(.apiKey) ?? [])
        if let path = values.text(.apiKeyFile) { try addKeys(inFile: path) }
        for key in values.list(.priorityKey) ?? [] { try allowPriority(key) }
        if let value = values.toggle(.allowUnauthenticated) { allowsUnauthenticated = value }
        allowedHosts = values.list(.allowedHosts) ?? []
        tls = try Self.tls(values)
        crossOrigin = CrossOriginPolicy(values)
        if let value = values.list(.alias), !value.isEmpty { (modelNames, aliases) = (value, value) }
        if let value = values.toggle(.strictModel) { refusesOtherModelNames = value }
        chatTemplate = try Self.chatTemplate(values)
        templateArguments = Self.templateArguments(values)
        if let value = values.list(.tags) { modelTags = value }
        if let value = values.toggle(.skipChatParsing) { skipsChatParsing = value }
        if let value = values.integer(.embeddingNormalization) {
            embeddingNormalization = EmbeddingNormalization(value)
        }
        if let value = values.toggle(.infillSuffixFirst) { infillsSuffixFirst = value }
        completionDefaults = try CompletionDefaults(values, notice: notice)
        if let value = values.text(.stableHead).flatMap(StableHead.init) { stableHead = value }
        if let value = values.text(.cacheScope).flatMap(CacheScope.init) { cacheScope = value }
        completionDefaults.showsCachedText = cacheScope == .owner || apiKeys.isEmpty
        if let value = values.toggle(.page) { servesPage = value }
        pathPrefix = try Self.pathPrefix(values.text(.pathPrefix) ?? "")
        if let value = values.toggle(.slots) { servesSlots = value }
        if let path = values.text(.slotSavePath) { slotSavePath = try Self.folder(path, for: .slotSavePath) }
        if let value = values.toggle(.metrics) { servesMetrics = value }
        if let value = values.toggle(.properties) { changesProperties = value }
        if let value = values.integer(.timeout) { limits.idleTimeout = value > 0 ? .seconds(value) : Self.noTimeout }
        if let value = values.integer(.requestTimeout) { limits.requestTimeout = .seconds(value) }
        if let value = values.integer(.stallTimeout) { limits.stallTimeout = .seconds(value) }
        if let value = values.integer(.maximumConnections) { limits.connections = value }
        if let value = values.integer(.maximumGenerations) { limits.generations = value }
        if let value = values.integer(.maximumGenerationsPerKey), value > 0 { limits.generationsPerKey = value }
        if let value = values.integer(.maximumPinnedTokens) { limits.pinnedTokens = value }
        if let value = values.integer(.drainTimeout) { drainTimeout = .seconds(value) }
        resumesAlways = values.text(.resume) == "always"
        if let value = values.integer(.orphanTimeout) { orphanTimeout = value > 0 ? .seconds(value) : nil }
        if let value = values.integer(.retainTime) { retainTime = .seconds(value) }
        if let value = values.integer(.retainCount) { limits.retained = value }
        if let value = values.integer(.retainCountPerKey), value > 0 { limits.retainedPerKey = value }
        if let value = values.integer(.logMemory) { limits.logBytes = value << 20 }
        if let value = values.integer(.logMemoryPerKey), value > 0 { limits.logBytesPerKey = value << 20 }
        if let value = values.integer(.responseTime) { responseTime = .seconds(value) }
        if let value = values.integer(.responseSize) { limits.responseBytes = value << 20 }
        if let value = values.integer(.historySize) { limits.historyBytes = value << 20 }
        if let text = values.text(.modelMap) {
            guard let map = ModelNameMap(text) else {
                throw SettingError(
                    "--model-map: Value must be entries PATTERN=NAME with a comma between them, but got \(text)")
            }
            modelNameMap = map
        }
        build = "martlet-" + MartletVersion.current
    }

    /// Stores chats beside the journals, if `--history` is on.
    /// - Throws: if there is no state folder.
    mutating func setHistory(_ values: SettingValues) throws(SettingError) {
        guard values.toggle(.history) == true else { return }
        guard let folder = journal?.path else {
            throw SettingError("--history needs a state folder: set --state-dir, and leave out --no-journal")
        }
        historyPath = folder + "/history"
    }

    /// The absolute path of an existing folder: the worker may have another working directory.
    private static func folder(_ path: String, for key: FlagKey) throws(SettingError) -> String {
        guard let resolved = realpath(path, nil) else {
            throw SettingError("--\(key.rawValue): \(path) cannot be used: \(String(cString: strerror(errno)))")
        }
        defer { free(resolved) }
        let folder = String(cString: resolved)
        guard let kind = try? FileKind(of: folder), kind == .folder else {
            throw SettingError("--\(key.rawValue): \(path) is not a folder")
        }
        return folder
    }

    /// Longer than any connection lives: `--timeout 0`.
    private static let noTimeout: Duration = .seconds(100 * 365 * 86_400)

    /// The prefix of all routes without a slash at its end; "" = none.
    private static func pathPrefix(_ text: String) throws(SettingError) -> String {
        let path = text.hasSuffix("/") ? String(text.dropLast()) : text
        let isPlain = path.utf8.allSatisfy {
            $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#")
        }
        guard path.isEmpty || path.hasPrefix("/") && !path.contains("//") && isPlain else {
            throw SettingError("--api-prefix must be a path that begins with a slash, such as /llm, not '\(text)'")
        }
        return path
    }

    /// The certificate and its key. One without the other is an error.
    private static func tls(_ values: SettingValues) throws(SettingError) -> TLSFiles? {
        switch (values.text(.tlsCertificateFile), values.text(.tlsKeyFile)) {
        case (nil, nil): return nil
        case (let certificate?, let key?): return TLSFiles(certificatePath: certificate, keyPath: key)
        case (_?, nil): throw SettingError("--ssl-cert-file needs --ssl-key-file, the key of the certificate")
        case (nil, _?): throw SettingError("--ssl-key-file needs --ssl-cert-file, the certificate of the key")
        }
    }

    /// Allows a key of `--priority-key`.
    private mutating func allowPriority(_ key: String) throws(SettingError) {
        // Adding it would lock out every client of a server without keys.
        guard apiKeys.allowPriority(key) else {
            throw SettingError("--priority-key: a key must also be one of --api-key or --api-key-file")
        }
    }

    /// Appends the keys of `--api-key-file`.
    private mutating func addKeys(inFile path: String) throws(SettingError) {
        // A file without keys is an error: otherwise the server would accept requests without a key.
        guard apiKeys.append(lines: try SmallFile.text(path, for: "--api-key-file")) > 0 else {
            throw SettingError("--api-key-file: no key in \(path); write one key on each line")
        }
    }
}

extension CrossOriginPolicy {
    /// Reads the CORS settings. A policy is explicit if one of them was set.
    fileprivate init(_ values: SettingValues) {
        self.init()
        // An origin is compared as text, so it needs no parser.
        switch values.text(.crossOrigins) {
        case "*": origins = .any
        case "localhost", nil: origins = .localhost
        case let text?: origins = .literal(text)
        }
        if let value = values.text(.crossOriginMethods) { methods = value }
        if let value = values.text(.crossOriginHeaders) { headers = value }
        if let value = values.toggle(.crossOriginCredentials) { allowsCredentials = value }
        isExplicit = [.crossOrigins, .crossOriginMethods, .crossOriginHeaders, .crossOriginCredentials].contains {
            values.isChosen($0)
        }
    }
}
