import Foundation
import Testing

@testable import Llama

@Suite struct ThreadPlacementTests {
    @Test func onlyProcessorsThatThereAreAreUsed() {
        var placement = ThreadPlacement()
        #expect(placement.restricted(to: []) == placement)
        placement.processors = [0, 3, 9]
        placement.isStrict = true
        var expected = placement
        expected.processors = [0, 9]
        #expect(placement.restricted(to: [0, 1, 9]) == expected)
        #expect(placement.restricted(to: [1, 2]) == nil)
    }

    @Test func noTwoThreadsWaitForEachOtherOnOneProcessor() {
        var placement = ThreadPlacement()
        #expect(placement.threadLimit(available: 2) == nil)
        placement.priority = .low
        #expect(placement.threadLimit(available: 2) == nil)
        placement.priority = .medium
        #expect(placement.threadLimit(available: 2) == 2)
        #expect(placement.threadLimit(available: nil) == nil)
        placement.processors = [0, 1, 5]
        #expect(placement.threadLimit(available: 2) == 3)
    }

    @Test func everyProcessMayLowerItsPriority() {
        #expect(ThreadPlacement.Priority.low.isPermitted && ThreadPlacement.Priority.normal.isPermitted)
    }

    #if os(Linux)
        /// The allowed processors of the calling thread, as the kernel reports them.
        private static func allowedProcessors() -> String {
            let status = (try? String(contentsOfFile: "/proc/thread-self/status", encoding: .utf8)) ?? ""
            return status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }?
                .split(separator: "\t").last.map { String($0) } ?? ""
        }

        /// The first numbers of a list such as 0-3,8.
        private static func firstAllowed(_ count: Int) -> Set<Int> {
            let numbers = allowedProcessors().split(separator: ",").flatMap { part in
                let bounds = part.split(separator: "-").compactMap { Int($0) }
                return Array((bounds.first ?? 0)...(bounds.last ?? 0))
            }
            return Set(numbers.prefix(count))
        }

        /// The decoding thread is one of the compute threads. The test uses a separate thread, because tests share
        /// threads.
        @Test(arguments: [1, 2]) func aDecodesThreadsRunWhereTheyArePlaced(threads: Int) async {
            let processors = Self.firstAllowed(threads)
            let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().appending(path: "Models/fledgling.Q8_0.gguf").path
            let seen: String = await withCheckedContinuation { continuation in
                Thread.detachNewThread {
                    var options = Context.Options()
                    options.contextLength = 64
                    options.threads = threads
                    options.batchThreads = threads
                    options.placement.processors = processors
                    options.placement.isStrict = true
                    options.batchPlacement = options.placement
                    do {
                        var context = try Context(model: try Model(path: path), options: options)
                        var batch = Batch(capacity: 1)
                        batch.add(token: 1, position: 0, sequence: 0, wantsLogits: true)
                        let outcome = context.decode(batch)
                        continuation.resume(
                            returning: outcome == .done ? Self.allowedProcessors() : "\(outcome)")
                    } catch {
                        continuation.resume(returning: "\(error)")
                    }
                }
            }
            #expect(processors.contains(Int(seen) ?? -1), "\(seen)")
        }
    #endif
}
