package import NIOCore

/// Many timers of one event loop that share one scheduled task.
///
/// Time is divided into ticks, and a timer runs at the end of its tick: up to 50 ms late, never early. A timer's action
/// returns the time of its next run.
///
/// `@unchecked Sendable`: everything but the constants is used on `eventLoop` only, which every method asserts.
package final class TimerWheel: @unchecked Sendable {
    /// Receives the current time and returns the time of the next run; `nil` = none.
    package typealias Action = (NIODeadline) -> NIODeadline?

    private struct Entry {
        var deadline: NIODeadline
        var action: Action
    }
    private static let tick = TimeAmount.milliseconds(50)
    private let eventLoop: any EventLoop
    /// Timers by the number of the tick at whose end they run.
    private var ticks: [UInt64: [Entry]] = [:]
    private var timer: Scheduled<Void>?
    private var timerTick = UInt64.max

    init(eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// The number of waiting timers.
    package var count: Int {
        eventLoop.assertInEventLoop()
        return ticks.values.reduce(0) { $0 + $1.count }
    }

    /// Runs `action` at `deadline`.
    package func add(at deadline: NIODeadline, _ action: @escaping Action) {
        eventLoop.assertInEventLoop()
        insert(Entry(deadline: deadline, action: action))
        schedule()
    }

    private func insert(_ entry: Entry) {
        ticks[Self.number(of: entry.deadline), default: []].append(entry)
    }

    private func schedule() {
        guard let next = ticks.keys.min(), next < timerTick else { return }
        timer?.cancel()
        timerTick = next
        timer = eventLoop.assumeIsolated().scheduleTask(deadline: Self.end(of: next)) { self.run() }
    }

    private func run() {
        timer = nil
        timerTick = .max
        let now = eventLoop.now
        for number in ticks.keys.filter({ Self.end(of: $0) <= now }).sorted() {
            for var entry in ticks.removeValue(forKey: number) ?? [] {
                guard let deadline = entry.action(now) else { continue }
                // Not in the current tick: the loop over it would not end.
                entry.deadline = max(deadline, now + .nanoseconds(1))
                insert(entry)
            }
        }
        schedule()
    }

    private static func number(of deadline: NIODeadline) -> UInt64 {
        let length = UInt64(tick.nanoseconds)
        return (deadline.uptimeNanoseconds + length - 1) / length
    }

    private static func end(of number: UInt64) -> NIODeadline {
        let (nanoseconds, overflow) = number.multipliedReportingOverflow(by: UInt64(tick.nanoseconds))
        return .uptimeNanoseconds(overflow ? .max : nanoseconds)
    }
}
