import MartletServer

extension ServerConfiguration {
    /// Where to listen: `--host`, which may name a port too, and `--port`.
    static func addresses(_ values: SettingValues) throws(SettingError) -> ([ListenAddress], port: Int) {
        var addresses: [ListenAddress] = []
        for text in values.list(.host) ?? [] {
            guard let address = ListenAddress(text) else {
                let scheme =
                    ListenAddress.isURL(text)
                    ? "; it has no scheme: HTTPS is served where --ssl-cert-file and --ssl-key-file are set, else HTTP"
                    : ""
                throw SettingError("--host must be \(ListenAddress.rule), not '\(text)'\(scheme)")
            }
            addresses.append(address)
        }
        let port = try port(addresses, values)
        if port == 0, addresses.count(where: { $0.socketPath == nil }) > 1 {
            throw SettingError("--port 0 needs a single address in --host, as each would get a port of its own")
        }
        return (addresses, port)
    }

    private static func port(_ addresses: [ListenAddress], _ values: SettingValues) throws(SettingError) -> Int {
        let given = values.integer(.port) ?? 8080
        let named = Set(addresses.compactMap(\.port)).sorted()
        guard let port = named.first else { return given }
        guard named.count == 1 else {
            throw SettingError(
                "--host names several ports, " + named.map(String.init).joined(separator: " and ")
                    + "; there is one, given with --port")
        }
        let (hostSource, portSource) = (values.choices[.host]?.source, values.choices[.port]?.source)
        guard let hostSource, let portSource, hostSource <= portSource, port != given else { return port }
        guard hostSource < portSource else {
            throw SettingError("--host names port \(port) and --port is \(given); leave one out")
        }
        return given
    }
}
