internal import Hummingbird
internal import MartletAPI
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

extension ServedModel {
    /// Checks that the model has every adapter of a list.
    /// - Throws: `invalidRequest` for an adapter that does not exist.
    func check(_ scales: [AdapterScale], field: String) throws(APIError) {
        for scale in scales where !information.adapters.indices.contains(scale.index) {
            throw .field(
                "\(field)[].id",
                "Value must be the number of one of the \(information.adapters.count) adapters, "
                    + "but got \(scale.index)")
        }
    }
}
