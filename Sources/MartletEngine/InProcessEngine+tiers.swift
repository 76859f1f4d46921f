import Llama
import Logging
import MartletFiles
import MartletProtocol
import MartletStateFiles

extension InProcessEngine {
    /// Makes the tiers of the KV cache, and the thread for files of saved slots if slot actions are permitted.
    ///
    /// A disk tier whose folder cannot be used is left out, with a line in the log: the engine works without it.
    func makeTiers(_ model: Model, _ options: Context.Options) -> (PrefixTiers, SlotFiles?) {
        let kind = MemoryKind(of: model, keepsFullWindow: configuration.keepsFullWindow)
        let files = [(configuration.modelPath, 1)] + configuration.adapters + configuration.controlVectors
        let layers = configuration.controlLayers
        let fingerprint: @Sendable () throws(FileError) -> StateFingerprint? = { () throws(FileError) in
            try ContextFingerprint.make(options: options, files: files, controlLayers: layers)
        }
        let disk = configuration.diskCache.flatMap { openDiskTier($0, kind, fingerprint) }
        let tiers = PrefixTiers(kind: kind, byteLimit: configuration.kvStateCacheByteCount, disk: disk)
        let mailbox = mailbox
        guard configuration.permitsSlotActions else { return (tiers, nil) }
        return (tiers, SlotFiles(fingerprint: fingerprint, post: { mailbox.post($0) }))
    }

    private func openDiskTier(
        _ settings: DiskCacheSettings, _ kind: MemoryKind,
        _ makeFingerprint: () throws(FileError) -> StateFingerprint?
    ) -> DiskTier? {
        let begin = MonotonicTime.now
        do throws(FileError) {
            guard let fingerprint = try makeFingerprint() else { return nil }
            let mailbox = mailbox
            let tier = try DiskTier(
                settings, fingerprint: fingerprint, kind: kind, logger: logger, post: { mailbox.post(.disk($0)) })
            logger.info(
                "disk cache opened",
                metadata: [
                    "folder": "\(settings.folder)", "prefixes": "\(tier.index.count)",
                    "bytes": "\(tier.index.byteCount)", "time": "\(MonotonicTime.now - begin)",
                ])
            return tier
        } catch {
            logger.warning(
                "there is no disk cache, because its folder cannot be used",
                metadata: ["folder": "\(settings.folder)", "reason": "\(error)"])
            return nil
        }
    }
}
