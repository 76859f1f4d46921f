import MartletServer

extension ServerConfiguration {
    /// The addresses to listen on, from `--host` and `--port`.
    ///
    /// Example: `--host 127.0.0.1:9000,/run/m.sock` gives two addresses and the port 9000.
    /// - Throws: If an address is wrong, or addresses and `--port` name different ports.
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
            throw SettingError("--port 0 needs a single address in --host, because each address would get another port")
        }
        return (addresses, port)
    }

    /// The port: that of the addresses or `--port`, whichever has the stronger source (flag, variable, file).
    private static func port(_ addresses: [ListenAddress], _ values: SettingValues) throws(SettingError) -> Int {
        let given = values.integer(.port) ?? 8080
        let named = Set(addresses.compactMap(\.port)).sorted()
        guard let port = named.first else { return given }
        guard named.count == 1 else {
            throw SettingError(
                "--host names several ports, " + named.map(String.init).joined(separator: " and ")
                    + "; all addresses have the same port, see --port")
        }
        let (hostSource, portSource) = (values.choices[.host]?.source, values.choices[.port]?.source)
        guard let hostSource, let portSource, hostSource <= portSource, port != given else { return port }
        guard hostSource < portSource else {
            throw SettingError("--host names port \(port) and --port is \(given); leave one out")
        }
        return given
    }
}
