import Llama
import MartletEngine

extension DevicePlacement {
    /// Reads the settings of devices. Whether the devices are there is checked when the model is loaded, by the worker:
    /// the server itself opens no device.
    /// - Throws: If a share or a rule is no valid text, or settings contradict each other.
    init(_ values: SettingValues) throws(SettingError) {
        self.init()
        if let names = values.list(.device) {
            guard names == ["none"] || !names.contains("none") else {
                throw SettingError(
                    "--device must be 'none' alone or names of devices, not '\(names.joined(separator: ","))'")
            }
            devices = names == ["none"] ? [] : names
        }
        if let mode = values.text(.splitMode).flatMap(SplitMode.init) { splitMode = mode }
        if let number = values.integer(.mainGPU) { mainDevice = number }
        if let text = values.text(.tensorSplit) { shares = try Self.shares(text) }
        for text in values.list(.overrideTensor) ?? [] { tensorRules.append(try Self.rule(text)) }
        if values.toggle(.cpuExperts) == true { hostExpertLayerCount = .max }
        if let count = values.integer(.cpuExpertLayers), count > 0 {
            guard hostExpertLayerCount == 0 else { throw SettingError("--cpu-moe and --n-cpu-moe exclude each other") }
            hostExpertLayerCount = count
        }
        if let count = values.integer(.cpuNetworkLayers) { hostNetworkLayerCount = count }
    }

    /// Reads `3,1` or `3/1`: numbers of 0 or more, at least one above 0.
    private static func shares(_ text: String) throws(SettingError) -> [Float] {
        let parts = text.split(omittingEmptySubsequences: false) { $0 == "," || $0 == "/" }
        let numbers = parts.compactMap { Float($0) }
        guard numbers.count == parts.count, numbers.allSatisfy({ $0 >= 0 && $0.isFinite }),
            numbers.contains(where: { $0 > 0 })
        else {
            throw SettingError(
                "--tensor-split must be numbers of 0 or more with commas between them, one above 0, not '\(text)'")
        }
        return numbers
    }

    /// Reads `PATTERN=TYPE`. The last equals sign separates the two, so a pattern may have some.
    private static func rule(_ text: String) throws(SettingError) -> TensorRule {
        guard let mark = text.lastIndex(of: "="), mark > text.startIndex, text.index(after: mark) < text.endIndex else {
            throw SettingError("--override-tensor must be a pattern, an equals sign and a buffer type, not '\(text)'")
        }
        return TensorRule(pattern: String(text[..<mark]), bufferType: String(text[text.index(after: mark)...]))
    }
}

extension EngineConfiguration {
    /// Reads the flags that fit a load to free memory.
    mutating func readFit(_ values: SettingValues) throws(SettingError) {
        if let word = values.text(.fit) { fit.isOn = word == "on" }
        if let value = values.integer(.fitContext) { fit.minimumContextLength = value }
        guard let texts = values.list(.fitTarget) else { return }
        fit.deviceMargins = try texts.map { text throws(SettingError) in
            guard let number = UInt64(text), number <= 16_777_216 else {
                throw SettingError("--fit-target must be whole numbers of MiB from 0 to 16777216, not '\(text)'")
            }
            return number << 20
        }
    }

    /// The machines of `--rpc`. The sandbox of the worker has no network, so it excludes them.
    static func remoteServers(_ values: SettingValues) throws(SettingError) -> [String] {
        guard let servers = values.list(.remoteServers) else { return [] }
        guard values.toggle(.sandbox) == false else {
            throw SettingError("--rpc needs --no-sandbox, because the worker's sandbox has no network")
        }
        for server in servers {
            let colon = server.lastIndex(of: ":")
            let port = colon.flatMap { Int(server[server.index(after: $0)...]) } ?? 0
            guard (1...65_535).contains(port), colon != server.startIndex else {
                throw SettingError("--rpc must be HOST:PORT with a port from 1 to 65535, not '\(server)'")
            }
        }
        return servers
    }

    /// The values of `--override-kv`.
    static func metadataOverrides(_ values: SettingValues) throws(SettingError) -> [MetadataOverride] {
        try (values.list(.overrideMetadata) ?? []).map { text throws(SettingError) in
            guard let override = MetadataOverride(text) else {
                throw SettingError(
                    "--override-kv must be KEY=TYPE:VALUE with the type int, float, bool or str, and at most 127 bytes of "
                        + "key and text, not '\(text)'")
            }
            return override
        }
    }
}
