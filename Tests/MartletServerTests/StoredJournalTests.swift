import Foundation
import MartletProtocol
import MartletStreams
import MartletTestSupport
import Testing

/// Journals of every format version are replayed byte for byte.
@Suite(.timeLimit(.minutes(15))) struct StoredJournalTests {
    private static let script = FakeEngine.Script.complete(JournalScenario.tokens)

    /// Adds journals of the current version to the test data, on request (`Journal/design.md`).
    @Test func samplesAreWritten() async throws {
        guard let tests = ProcessInfo.processInfo.environment["MARTLET_JOURNAL_SAMPLES"] else { return }
        for scenario in JournalScenario.allCases {
            let state = StateFolder()
            try await scenario.write(into: state)
            let name = try #require(state.files.first)
            #expect(state.files.count == 1)
            let journal = Array(try Data(contentsOf: URL(filePath: "\(state.path)/streams/\(name)")))
            var sample = try await JournalSample(replaying: journal, script: Self.script)
            sample.journal = journal
            try sample.write(scenario, into: tests)
        }
    }

    @Test func noVersionIsMissing() {
        #expect(JournalSample.versions == ["3", "4", "4.1"])
        #expect(JournalSample.stored.count == 7 + 7 + 9)
    }

    @Test(arguments: JournalSample.stored)
    func journalIsReplayedByteForByte(version: String, scenario: JournalScenario) async throws {
        let stored = try JournalSample(scenario, version: version)
        let replayed = try await JournalSample(replaying: stored.journal, script: Self.script)
        #expect(replayed.events == stored.events)
        #expect(replayed.stream == stored.stream)
        #expect(replayed.result == stored.result)
        // An ended journal stays unchanged, and an unfinished journal continues in the current version.
        if scenario == .unfinished {
            #expect(try JournalReader.read(JournalBytes(replayed.journal)).version == JournalFormat.version)
        } else {
            #expect(replayed.journal == stored.journal)
        }
    }

    /// Since 4.1 a journal has the options of its request, so the flags of the server do not matter.
    @Test(arguments: JournalSample.stored.filter { $0.version.hasPrefix("4.") })
    func flagsDoNotChangeAReplay(version: String, scenario: JournalScenario) async throws {
        let stored = try JournalSample(scenario, version: version)
        let replayed = try await JournalSample(replaying: stored.journal, script: Self.script) { configuration in
            OtherFlagsTests.change(&configuration)
        }
        #expect(replayed.events == stored.events)
        #expect(replayed.stream == stored.stream)
        #expect(replayed.result == stored.result)
    }

    /// A server that cannot read a journal retains it for a build that can.
    @Test func journalOfANewerBuildComesBackWithThatBuild() async throws {
        let state = StateFolder()
        let sample = try JournalSample(.calls, version: JournalSample.current)
        let head = try #require(try JournalReader.read(JournalBytes(sample.journal)).generation?.head)
        var newer = sample.journal
        newer[8] += 1
        try FileManager.default.createDirectory(atPath: state.path + "/streams", withIntermediateDirectories: true)
        try Data(newer).write(to: URL(filePath: "\(state.path)/streams/\(head.log.id).journal"))
        let kept = URL(filePath: "\(state.path)/newer/\(head.log.id).journal")
        let path = "/v1/generations/\(head.responseID)/events"
        for _ in 0..<2 {
            try await JournalScenario.serve(state.path, script: .hold) { server async throws in
                #expect(try await server.send("GET", path).head.status == 404)
            }
            #expect(Array(try Data(contentsOf: kept)) == newer)
            #expect(state.files.isEmpty && state.aside.isEmpty)
        }
        // The folder's view in a build that reads the version.
        try Data(sample.journal).write(to: kept)
        try await JournalScenario.serve(state.path, script: .hold) { server async throws in
            #expect(try await server.send("GET", path).body == sample.events)
        }
        #expect(state.files.count == 1)
    }
}
