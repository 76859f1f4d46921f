import MartletTestSupport
import Testing

@testable import MartletServer

/// Input for the ends of running responses, against lists.
struct SteeringQueueTests {
    private typealias Queue = SteeringQueue<Int>

    private static func inputs(_ reaction: Queue.Reaction) -> [Int] {
        switch reaction {
        case .none: []
        case .succeed(let entries), .wait(let entries), .refuse(let entries): entries.map(\.input)
        }
    }

    @Test(arguments: [1, 2, 3]) func inputsEndWithTheirResponses(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var queue = Queue()
        var running: [String: [Int]] = [:]
        var waiting: [String: [Int]] = [:]
        for step in 0..<2_000 {
            let id = "r\(Int.random(in: 0..<6, using: &random))"
            let total = (Array(running.values) + Array(waiting.values)).reduce(0) { $0 + $1.count }
            switch Int.random(in: 0..<8, using: &random) {
            case 0 where running[id] == nil && waiting[id] == nil:
                queue.begin(id, isSteerable: true)
                running[id] = []
            case 1 where step % 7 == 0:
                let end: Queue.End = [.continuable, .needsOutputs, .failed][step / 7 % 3]
                let reaction = queue.end(id, end)
                let expected = running.removeValue(forKey: id) ?? []
                #expect(Self.inputs(reaction) == expected)
                guard !expected.isEmpty else { break }
                switch reaction {
                case .none: Issue.record("inputs were lost")
                case .succeed: #expect(end == .continuable)
                case .wait:
                    #expect(end == .needsOutputs)
                    waiting[id] = expected
                case .refuse: #expect(end == .failed)
                }
            case 2:
                #expect(queue.waiting(for: id).map(\.input) == waiting[id] ?? [])
                if step.isMultiple(of: 2), waiting.removeValue(forKey: id) != nil { queue.commit(id) }
            default:
                let result = queue.submit(.init(id: "\(step)", input: step, byteCount: 10), for: id)
                if running[id] == nil {
                    #expect(throws: Queue.Refusal.notRunning) { try result.get() }
                } else if total == Queue.countLimit {
                    #expect(throws: Queue.Refusal.tooMany) { try result.get() }
                } else {
                    #expect(throws: Never.self) { try result.get() }
                    running[id]?.append(step)
                }
            }
        }
    }

    @Test func limitsCountBytesAndKindsOfResponses() {
        var queue = Queue()
        queue.begin("a", isSteerable: true)
        queue.begin("b", isSteerable: false)
        #expect(throws: Queue.Refusal.notSupported) {
            try queue.submit(.init(id: "1", input: 1, byteCount: 1), for: "b").get()
        }
        let large = Queue.byteLimit
        #expect(throws: Never.self) { try queue.submit(.init(id: "2", input: 2, byteCount: large), for: "a").get() }
        #expect(throws: Queue.Refusal.tooMany) {
            try queue.submit(.init(id: "3", input: 3, byteCount: 1), for: "a").get()
        }
        // The bytes are free again when the input is a part of a request.
        #expect(Self.inputs(queue.end("a", .continuable)) == [2])
        queue.begin("c", isSteerable: true)
        #expect(throws: Never.self) { try queue.submit(.init(id: "4", input: 4, byteCount: large), for: "c").get() }
    }
}
