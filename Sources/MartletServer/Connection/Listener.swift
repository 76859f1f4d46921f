internal import ServiceLifecycle

/// The service of one address. It replaces errors of the system by errors with a remedy.
struct Listener: Service {
    let address: ListenAddress
    let port: Int
    let application: any Service

    /// - Throws: `EdgeServerError` if the address cannot be listened on.
    func run() async throws {
        do {
            try await application.run()
        } catch {
            throw EdgeServerError(error, address: address, port: port) ?? error
        }
    }
}
