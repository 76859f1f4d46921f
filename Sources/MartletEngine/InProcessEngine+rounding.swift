import Llama
import Logging
import MartletGGUF

extension InProcessEngine {
    /// The largest number of generated tokens in a decode of the model (see `RowLimit`); `nil` = any number.
    ///
    /// Nothing is limited where results depend on other sequences anyway: in a unified KV cache, on devices other than the
    /// CPU, and without `--batch-invariance`. The engine thread calls it once, while it loads.
    ///
    /// - Throws: if a named device is not there.
    func rowLimit(of options: Context.Options) throws(LlamaError) -> Int? {
        guard configuration.isReproducible, !options.usesUnifiedKV,
            try configuration.devicePlacement.chosenDevices().isEmpty
        else { return nil }
        let setting = RowLimit.Setting(
            threads: options.threads, usesFlashAttention: options.flashAttention != .off, keyType: options.keyType,
            valueType: options.valueType, hasAdapters: !configuration.adapters.isEmpty)
        var limit: Int? = 1
        // libllama has loaded the file, so its head is readable unless the file has just been replaced.
        if let headers = try? GGUFFile.headers(configuration.modelPath) {
            limit = RowLimit.of(headers.first.tensors + headers.others.flatMap(\.tensors), setting)
        }
        if let limit {
            logger.info(
                "the types of the weights limit how many tokens a decode has (--no-batch-invariance removes the limit)",
                metadata: ["generatedTokens": "\(limit)"])
        }
        let speculates = !configuration.speculation.kinds.isEmpty || configuration.speculation.draftModel != nil
        if speculates, limit == 1 || options.flashAttention == .off {
            logger.warning(
                """
                there are no drafts: with these weights and this method of attention several tokens round differently than \
                one, and a draft would change the text (--no-batch-invariance permits drafts)
                """)
        }
        return limit
    }
}
