import NIOCore
import NIOPosix
import NIOSSL

/// Sends the requests of a plan and collects their measurements.
struct LoadRunner: Sendable {
    /// The event loops of the connections. One loop is enough for some thousand streams.
    let group: any EventLoopGroup
    /// The TLS settings for `https` URLs; `nil` if no server has one.
    let tls: NIOSSLContext?

    /// Runs a plan once, and returns when its last request has ended.
    /// - Parameter offset: The number of the first request. Runs use different numbers, so that no prompt is repeated.
    func run(_ plan: LoadPlan, at url: BaseURL, offset: Int) async -> LoadResult {
        let begin = ContinuousClock.now
        let now: @Sendable () -> Double = { begin.duration(to: .now) / .seconds(1) }
        let context = url.usesTLS ? tls : nil
        let measurements =
            switch plan.arrival {
            case .closed(let streams): await closed(plan, streams, url, offset, now, context)
            case .open(let rate): await open(plan, rate, url, offset, now, context, begin)
            }
        return LoadResult(measurements)
    }

    /// Begins `streams` requests, and another one whenever a request ends.
    private func closed(
        _ plan: LoadPlan, _ streams: Int, _ url: BaseURL, _ offset: Int, _ now: @escaping @Sendable () -> Double,
        _ tls: NIOSSLContext?
    ) async -> [RequestMeasurement] {
        await withTaskGroup(of: RequestMeasurement.self) { tasks in
            var next = 0
            var measurements: [RequestMeasurement] = []
            func begin() {
                guard next < plan.requestCount else { return }
                let number = offset + next
                next += 1
                tasks.addTask { [group] in
                    await BenchConnection.run(
                        plan, number: number, at: url, start: now(), now: now, on: group, tls: tls)
                }
            }
            for _ in 0..<streams { begin() }
            while let measurement = await tasks.next() {
                measurements.append(measurement)
                begin()
            }
            return measurements
        }
    }

    /// Begins each request at its time, however many are still running.
    private func open(
        _ plan: LoadPlan, _ rate: Double, _ url: BaseURL, _ offset: Int, _ now: @escaping @Sendable () -> Double,
        _ tls: NIOSSLContext?, _ begin: ContinuousClock.Instant
    ) async -> [RequestMeasurement] {
        await withTaskGroup(of: RequestMeasurement.self) { tasks in
            for (index, time) in LoadPlan.arrivalTimes(rate: rate, count: plan.requestCount).enumerated() {
                tasks.addTask { [group] in
                    try? await Task.sleep(until: begin + .seconds(time), clock: .continuous)
                    // Times count from the planned arrival, not from the actual sending: delays here are not hidden.
                    return await BenchConnection.run(
                        plan, number: offset + index, at: url, start: time, now: now, on: group, tls: tls)
                }
            }
            return await tasks.reduce(into: []) { $0.append($1) }
        }
    }
}
