internal import Hummingbird
internal import MartletAPI
internal import MartletGenerations
internal import MartletJSON
internal import MartletProtocol

/// The routes that show a model's LoRA adapters and set their scales. New scales apply to later requests.
///
/// A model that is not loaded is not woken: both routes answer 503 for it.
struct AdapterRoutes: Sendable {
    let configuration: ServerConfiguration
    let models: any ModelDirectory

    /// Adds the routes. The query names the model (`?model=`) if there are several.
    func add(to table: inout RouteTable) {
        table.add(.get, "/lora-adapters") { request, _ in
            let handle = try models.model(of: request)
            let model = try handle.readyModel().information
            return .json(ServerBodies.adapters(model.adapters, scales: handle.adapterScales.current(of: model)))
        }
        table.add(.post, "/lora-adapters") { request, _ in
            let requested = try AdapterFields.read(
                try await request.json(upTo: configuration.limits.bodyBytes), name: "")
            let handle = try models.model(of: request)
            try handle.readyModel().check(requested, field: "")
            handle.adapterScales.set(requested)
            return .json(["success": true])
        }
    }
}
