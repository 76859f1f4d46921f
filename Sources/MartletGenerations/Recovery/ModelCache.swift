internal import MartletChat
internal import MartletProtocol

/// The chat formats and models of earlier servers. Each is compiled once.
struct ModelCache {
    private var models: [ServedModel] = []
    /// The formats of the parsers so far, the last one at the end.
    private var formats: [PreparedChatFormat] = []
    /// More formats than a state folder has in practice: one for each model and template.
    private static let maximumFormatCount = 32

    /// The model with this information, from the cache if it is there.
    mutating func model(_ information: ModelInformation, configuration: GenerationConfiguration) -> ServedModel {
        if let known = models.first(where: { $0.information == information }) { return known }
        let model = ServedModel(information, configuration: configuration)
        models.append(model)
        return model
    }

    /// The compiled form of a chat format, from the cache if it is there.
    mutating func prepared(_ format: ChatFormat) -> PreparedChatFormat {
        if let known = formats.first(where: { $0.format == format }) { return known }
        let prepared = PreparedChatFormat(format)
        if formats.count == Self.maximumFormatCount { formats.removeFirst() }
        formats.append(prepared)
        return prepared
    }
}
