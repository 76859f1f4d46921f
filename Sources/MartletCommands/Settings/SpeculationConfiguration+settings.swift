import Llama
import MartletAPI
import MartletEngine
import MartletProtocol

extension SpeculationConfiguration {
    /// Reads the settings of speculative decoding.
    /// - Throws: If a kind is unknown, or needs a draft model that is not set.
    init(_ values: SettingValues) throws(SettingError) {
        self.init()
        kinds = try DraftKind.chosen(values) ?? []
        if let value = values.integer(.draftMaximum) { modelDraftLimit = value }
        if let value = values.integer(.draftMinimum) { minimumCount = value }
        if let value = values.number(.draftProbability) { minimumProbability = value }
        if let value = values.integer(.lookupLength) { ngramKeyLength = value }
        if let value = values.integer(.lookupDraftLength) { ngramDraftLimit = value }
        guard let path = values.text(.draftModel) else { return }
        var model = DraftModelConfiguration(path: path)
        if let value = values.integer(.draftGPULayers) { model.gpuLayers = Int32(clamping: value) }
        if let value = values.integer(.draftThreads), value > 0 { model.threads = value }
        if let value = values.integer(.draftBatchThreads), value > 0 { model.batchThreads = value }
        if let value = values.text(.draftKeyCacheType).flatMap(CacheType.init) { model.keyCacheType = value }
        if let value = values.text(.draftValueCacheType).flatMap(CacheType.init) { model.valueCacheType = value }
        draftModel = model
    }
}

extension DraftKind {
    /// The kinds that the flags select: `--spec-type`, or the draft model alone if only that is set; `nil` = none is set.
    static func chosen(_ values: SettingValues) throws(SettingError) -> [DraftKind]? {
        let hasModel = values.text(.draftModel) != nil
        guard let words = values.list(.draftKinds) else { return hasModel ? [.model] : nil }
        let (kinds, unknown) = SpeculationFields.kinds(in: words)
        guard let kinds else {
            throw SettingError(
                "--spec-type must be one of \(SpeculationFields.allWords.joined(separator: ", ")), not "
                    + "'\(unknown ?? "")'")
        }
        if kinds.contains(.model), !hasModel {
            throw SettingError("--spec-type draft-simple needs a draft model (--model-draft)")
        }
        return kinds
    }
}
