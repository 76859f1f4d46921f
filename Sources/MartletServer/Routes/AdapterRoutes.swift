internal import Hummingbird
internal import MartletAPI
internal import MartletGenerations
internal import MartletJSON
internal import MartletProtocol

/// The routes that show LoRA adapters and set their scales. New scales apply to later requests.
struct AdapterRoutes: Sendable {
    let configuration: ServerConfiguration
    let modelReadiness: ModelReadiness
    let scales: AdapterScales

    func add(to table: inout RouteTable) {
        table.add(.get, "/lora-adapters") { _, _ in
            let model = try modelReadiness.readyModel().information
            return .json(ServerBodies.adapters(model.adapters, scales: scales.current(of: model)))
        }
        table.add(.post, "/lora-adapters") { request, _ in
            let requested = try AdapterFields.read(
                try await request.json(upTo: configuration.limits.bodyBytes), name: "")
            try modelReadiness.readyModel().check(requested, field: "")
            scales.set(requested)
            return .json(["success": true])
        }
    }
}
