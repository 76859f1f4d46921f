import MartletStreams
import MartletWorkers
import NIOCore

/// The settings of the simulated server, which a seed chooses. Many lie near limits.
struct SimulatedLimits: Sendable {
    var quota: GenerationQuota
    var retention: GenerationRegistry.Retention
    var restartPolicy: RestartPolicy
    var durability: Journal.Durability
    /// The limit of all journals together, in bytes.
    var journalByteCount: Int
    /// The largest number of journal files that are open at once.
    var openJournalCount: Int
    /// Whether the server has a certificate, which SIGHUP makes it read again. Otherwise SIGHUP ends the server.
    var hasCertificate: Bool

    init(seed: UInt64) {
        var random = SimulationRandom(seed: seed, part: 3)
        // Half of the servers remove nothing, so that everything must survive.
        let isGenerous = random.chance(1, of: 2)
        quota = GenerationQuota(
            total: random.element(of: [3, 6, 64, 64]), perOwner: random.element(of: [2, 4, 64, 64]))
        quota.retained = random.element(of: [2, 5, .max, .max])
        quota.retainedPerOwner = random.element(of: [1, 3, .max, .max])
        quota.bytes = random.element(of: [3_000, 20_000, .max, .max])
        quota.bytesPerOwner = random.element(of: [2_000, .max, .max])
        retention = GenerationRegistry.Retention()
        retention.time = random.element(of: [.seconds(2), .minutes(5), .hours(1), .hours(1)])
        retention.orphanTime = random.element(of: [.milliseconds(400), .seconds(20), .minutes(10), nil])
        restartPolicy = RestartPolicy()
        restartPolicy.initialPause = .milliseconds(20)
        restartPolicy.maximumPause = .milliseconds(300)
        restartPolicy.hangTimeout = .milliseconds(800)
        // A plan has more crashes in a short time than a server that should go on.
        restartPolicy.maximumCrashes = .max
        durability = random.element(of: [.write, .write, .fsync])
        journalByteCount = random.element(of: [8_000, .max, .max, .max])
        if isGenerous {
            (quota.retained, quota.retainedPerOwner, quota.bytes, quota.bytesPerOwner) = (.max, .max, .max, .max)
            retention.time = .hours(1)
            journalByteCount = .max
        }
        openJournalCount = random.element(of: [1, 2, 128])
        hasCertificate = random.chance(1, of: 2)
    }

    /// Whether a generation that a client knows may be removed before its client is done with it.
    var mayEvict: Bool {
        quota.retained < .max || quota.retainedPerOwner < .max || quota.bytes < .max || quota.bytesPerOwner < .max
            || retention.time < .minutes(1) || journalByteCount < .max
    }

    /// Whether a running generation may end because it has no reader.
    var mayAbandon: Bool { (retention.orphanTime ?? .hours(1)) < .minutes(1) }
}
