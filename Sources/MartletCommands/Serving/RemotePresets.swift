import MartletModels
import MartletText

/// The rule for presets that a repository has (`preset.ini`), as llama-server reads them: another person wrote them.
///
/// Example: `--hf-repo org/presets` serves the sections of that file. A section may choose models of repositories, the size of
/// the context and the sampling, and not a path, an address, or a device of another machine.
enum RemotePresets {
    /// The name of the file in the root of a repository.
    static let fileName = "preset.ini"

    /// The flags that a section may set. None of them names a file, a host, a limit of the server, or a right.
    static let allowedKeys: [FlagKey] = [
        .hubRepository, .hubFile, .alias, .tags,
        .contextSize, .sequenceContext, .parallel, .batchSize, .microBatchSize, .gpuLayers, .cpuExperts,
        .cpuExpertLayers,
        .fit, .fitContext, .keyCacheType, .valueCacheType, .flashAttention, .memoryMap, .unifiedKV, .fullWindow,
        .offloadCache,
        .ropeScaling, .ropeScale, .ropeBase, .ropeFrequencyScale, .yarnContext, .yarnExtrapolation, .yarnAttention,
        .yarnBetaSlow, .yarnBetaFast, .embeddings, .reranking, .pooling,
        .draftKinds, .draftMaximum, .draftMinimum, .draftProbability, .draftGPULayers,
        .maximumTokens, .temperature, .topK, .topP, .minP, .topNSigma, .typicalP, .repeatLastN, .repeatPenalty,
        .presencePenalty, .frequencyPenalty, .xtcProbability, .xtcThreshold, .dynamicTemperatureRange,
        .dynamicTemperatureExponent, .mirostat, .mirostatEntropy, .mirostatRate, .dryMultiplier, .dryBase,
        .dryAllowedLength, .dryLastN, .samplers, .samplerSequence, .seed,
        .chatTemplateArguments, .reasoning, .reasoningEffort, .reasoningFormat, .reasoningBudget, .reasoningMessage,
        .contextShift, .cacheReuse,
    ]

    /// The names of all keys that a section may have: flags, the draft model, and keys that only presets have.
    private static let names: Set<String> = Set(
        allowedKeys.map(\.rawValue) + PresetFile.ownKeys
            + [ModelSources.draftRepositoryKey, "jinja", "no-mmap", "no-kv-unified"])

    /// Checks the keys of a file.
    /// - Throws: At the first key that is not allowed.
    static func check(_ file: PresetFile) throws(SettingError) {
        let sections = [("*", file.shared)] + file.sections.map { ($0.name, $0.settings) }
        for (name, settings) in sections {
            guard let setting = settings.first(where: { !names.contains($0.name) }) else { continue }
            throw SettingError(
                "\(file.path): \(setting.name) of [\(name.excerpt(bytes: 64))] is not allowed in presets of a repository; copy the "
                    + "file and use --models-preset")
        }
    }
}
