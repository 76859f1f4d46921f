import MartletServer

/// The message on standard error when the server listens: addresses and a first request.
struct Welcome: Sendable {
    /// The addresses of the configuration; the first one is in the example.
    let addresses: [ListenAddress]
    /// The name in the API.
    let modelName: String
    /// Whether the demo model is served, which the message explains.
    var isEmbedded = false
    /// Whether the server loads and unloads models.
    var hasModels = false
    /// Whether requests need no key.
    var isOpen = true
    /// Whether `/` is the chat page.
    var hasPage = false
    /// `http` or `https`.
    var scheme = "http"
    /// The path behind which every route lies; "" = none.
    var pathPrefix = ""

    /// - Parameter port: The bound port, which differs from the setting if that is 0.
    func text(port: Int) -> String {
        let url = (addresses.first.map { self.url($0, port) } ?? "") + pathPrefix
        let page = hasPage && addresses.first?.socketPath == nil ? "\(url)/ is the chat page\n  " : ""
        let socket = addresses.first?.socketPath.map { "--unix-socket \($0) " } ?? ""
        let others = addresses.dropFirst().map { address in
            "\n  \(address.socketPath ?? self.url(address, port) + pathPrefix + "/v1")"
        }.joined()
        let name = hasModels ? "several models" : modelName
        let model = hasModels ? "\"model\": \"NAME\", " : ""
        let list = hasModels ? "\n  \(url)/v1/models lists the models" : ""
        let modelNote = isEmbedded ? ", the demo model (--model PATH serves your own)" : ""
        let key = isOpen ? "" : "-H 'Authorization: Bearer KEY' "
        return """
            martlet \(MartletVersion.current) serves \(name)\(modelNote)
              \(page)\(url)/v1\(others)\(list)

              curl -N \(socket)\(url)/v1/chat/completions \(key)-d \\
                '{\(model)"stream": true, "messages": [{"role": "user", "content": "Hello!"}]}'

            Ctrl-C ends it.

            """
    }

    /// The base URL of an address. A Unix socket needs a host name in the URL, which has no effect.
    private func url(_ address: ListenAddress, _ port: Int) -> String {
        guard case .host(let host) = address.endpoint else { return "\(scheme)://localhost" }
        // A server on all networks is reachable on this machine under the loopback address.
        return "\(scheme)://\(host == "0.0.0.0" || host == "::" ? "127.0.0.1" : address.description):\(port)"
    }
}

extension Welcome {
    /// Reads the configuration, which does not change afterwards.
    init(_ edge: Edge) {
        let configuration = edge.configuration
        self.init(
            addresses: configuration.addresses, modelName: configuration.modelNames.first ?? edge.model.name,
            isEmbedded: edge.model.isEmbedded, hasModels: edge.catalogue != nil, isOpen: configuration.apiKeys.isEmpty,
            hasPage: configuration.offersPage, scheme: configuration.tls == nil ? "http" : "https",
            pathPrefix: configuration.pathPrefix)
    }
}
