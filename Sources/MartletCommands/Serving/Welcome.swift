import MartletServer

/// What the server says when it listens.
struct Welcome: Sendable {
    private let addresses: [ListenAddress]
    private let modelName: String
    private let isEmbedded: Bool
    private let isOpen: Bool
    private let scheme: String

    init(_ edge: Edge) {
        addresses = edge.configuration.addresses
        modelName = edge.configuration.modelNames.first ?? edge.model.name
        isEmbedded = edge.model.isEmbedded
        scheme = edge.configuration.tls == nil ? "http" : "https"
        isOpen = edge.configuration.apiKeys.isEmpty
    }

    func text(port: Int) -> String {
        let url = addresses.first.map { self.url($0, port) } ?? ""
        let socket = addresses.first?.socketPath.map { "--unix-socket \($0) " } ?? ""
        let others = addresses.dropFirst().map { "\n  \($0.socketPath ?? self.url($0, port) + "/v1")" }.joined()
        let modelNote = isEmbedded ? ", the small model that comes with martlet (--model PATH serves your own)" : ""
        let key = isOpen ? "" : "-H 'Authorization: Bearer KEY' "
        return """
            martlet \(MartletVersion.current) serves \(modelName)\(modelNote)
              \(url)/v1\(others)

              curl -N \(socket)\(url)/v1/chat/completions \(key)-d \\
                '{"stream": true, "messages": [{"role": "user", "content": "Hello!"}]}'

            Ctrl-C ends it.

            """
    }

    private func url(_ address: ListenAddress, _ port: Int) -> String {
        guard case .host(let host) = address.endpoint else { return "\(scheme)://localhost" }
        // A server on all networks is reached here under the address of this machine.
        return "\(scheme)://\(host == "0.0.0.0" || host == "::" ? "127.0.0.1" : address.description):\(port)"
    }
}
