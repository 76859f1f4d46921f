import MartletEngine
import MartletGenerations
import MartletModels
import MartletPool
import ServiceLifecycle
import Synchronization

/// The settings of a server that loads and unloads models.
struct PoolPlan {
    /// Whether the settings ask for such a server: several files, a folder, presets or sections, a time to sleep, or a rule
    /// about loads.
    static func isWanted(_ values: SettingValues) -> Bool {
        values.modelPaths.count > 1 || values.text(.modelsFolder) != nil || values.text(.modelsPreset) != nil
            || values.hasModelSections || values.remotePresetPath != nil
            || values.integer(.sleepTime).map { $0 >= 0 } ?? false || values.integer(.maximumModels) ?? 0 > 0
            || values.toggle(.modelsAutoload) == false
    }

    /// The settings of the pool. All models together may use the memory of the host and of each device that is free now,
    /// without the margin.
    static func settings(
        _ values: SettingValues, _ sources: ModelSources, _ devices: [ReportedDevice] = []
    ) -> ModelPool.Settings {
        // Without a known amount nothing is refused: the failure of a load then corrects the plan.
        let margin = UInt64(values.integer(.modelsMemoryMargin) ?? 0) << 20
        let available = MemoryBudget.available.map { UInt64(clamping: $0) } ?? .max
        var capacity = MemoryAmount(available - min(margin, available))
        for device in devices { capacity.bytes.append(device.freeByteCount - min(margin, device.freeByteCount)) }
        var settings = ModelPool.Settings(capacity: capacity)
        settings.watchInterval = .seconds(2)
        settings.limits.maximumModelCount = values.integer(.maximumModels) ?? 0
        settings.loadsOnDemand = values.toggle(.modelsAutoload) ?? true
        settings.nameMap = values.text(.modelMap).flatMap { ModelNameMap($0) } ?? settings.nameMap
        // The names that `ModelSources` gives files of the command line.
        settings.defaultNames = sources.files.prefix(1).map { path in
            let file = path.split(separator: "/").last.map(String.init) ?? path
            return SplitName(file)?.prefix ?? (file.lowercased().hasSuffix(".gguf") ? String(file.dropLast(5)) : file)
        }
        return settings
    }
}

/// Runs a pool within a service group: loads the first models, and ends all workers last.
final class PoolService: Service {
    private let pool = Mutex<ModelPool?>(nil)

    /// Sets the pool. Must be called before the group runs.
    func use(_ pool: ModelPool) { self.pool.withLock { $0 = pool } }

    /// Kills the processes of all workers without a grace period.
    func killWorkers() { pool.withLock { $0 }?.killWorkers() }

    /// Returns when the group has shut down and all workers have ended.
    func run() async throws {
        guard let pool = pool.withLock({ $0 }) else { return }
        pool.start()
        try? await gracefulShutdown()
        await pool.shutDown()
    }
}
