internal import MartletProtocol

/// The models of earlier servers. The chat template of each is compiled once.
struct ModelCache {
    private var models: [ServedModel] = []

    /// The model with this information, from the cache if it is there.
    mutating func model(_ information: ModelInformation, configuration: GenerationConfiguration) -> ServedModel {
        if let known = models.first(where: { $0.information == information }) { return known }
        let model = ServedModel(information, configuration: configuration)
        models.append(model)
        return model
    }
}
