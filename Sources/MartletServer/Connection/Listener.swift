internal import ServiceLifecycle

/// One address that a server listens on.
struct Listener: Service {
    let address: ListenAddress
    let port: Int
    let application: any Service

    /// - Throws: `EdgeServerError` when the address cannot be listened on.
    func run() async throws {
        do {
            try await application.run()
        } catch {
            throw EdgeServerError(error, address: address, port: port) ?? error
        }
    }
}
