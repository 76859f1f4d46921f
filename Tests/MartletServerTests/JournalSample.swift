import Foundation
import MartletServer
import MartletStreams
import MartletTestSupport
import Testing

/// A journal of the test data with everything its readers received: `Journals/VERSION/SCENARIO.journal` and related
/// files.
struct JournalSample: Equatable {
    var journal: [UInt8]
    /// The body of `GET /v1/generations/ID/events`.
    var events: String
    /// The body of `GET /v1/stream`.
    var stream: String
    /// The body of `GET /v1/generations/ID/result`.
    var result: String

    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Journals")

    /// The folder of journals that this build writes: the format version, and the number of its extensions by fields.
    static let current = "\(JournalFormat.version).1"

    /// The folders with journals: a format version each, or a version and the number of extensions.
    static var versions: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).filter { name in
            name.split(separator: ".").allSatisfy { Int($0) != nil }
        }.sorted()
    }

    private static func file(_ scenario: JournalScenario, _ version: String, _ kind: String, in folder: URL) -> URL {
        folder.appendingPathComponent("\(version)/\(scenario.rawValue).\(kind)")
    }

    /// All journals of the test data. Later versions have more scenarios.
    static var stored: [(version: String, scenario: JournalScenario)] {
        versions.flatMap { version in
            JournalScenario.allCases.filter { scenario in
                FileManager.default.fileExists(atPath: file(scenario, version, "journal", in: folder).path)
            }.map { (version, $0) }
        }
    }

    /// Reads a sample from the test data.
    init(_ scenario: JournalScenario, version: String) throws {
        func text(_ kind: String) throws -> String {
            try String(contentsOf: Self.file(scenario, version, kind, in: Self.folder), encoding: .utf8)
        }
        journal = Array(try Data(contentsOf: Self.file(scenario, version, "journal", in: Self.folder)))
        events = try text("events")
        stream = try text("stream")
        result = try text("result")
    }

    /// Adds a sample to the test data of the current version. An existing file is never replaced.
    /// - Parameter tests: the folder `Tests` of the project.
    func write(_ scenario: JournalScenario, into tests: String) throws {
        let (folder, version) = (URL(filePath: "\(tests)/MartletServerTests/Journals"), Self.current)
        try FileManager.default.createDirectory(
            at: folder.appendingPathComponent(version), withIntermediateDirectories: true)
        for (kind, bytes) in [
            ("journal", journal), ("events", Array(events.utf8)), ("stream", Array(stream.utf8)),
            ("result", Array(result.utf8)),
        ] {
            try Data(bytes).write(to: Self.file(scenario, version, kind, in: folder), options: .withoutOverwriting)
        }
    }

    /// Replays a journal in a new server. `journal` is the file that the server leaves.
    /// - Parameters:
    ///   - script: the output of the engine if the generation is unfinished.
    ///   - configure: sets other flags of the server.
    init(
        replaying journal: [UInt8], script: FakeEngine.Script,
        configure: (inout ServerConfiguration) -> Void = { _ in }
    ) async throws {
        let state = StateFolder()
        let stored = try #require(try JournalReader.read(JournalBytes(journal)).generation)
        let streams = state.path + "/streams"
        try FileManager.default.createDirectory(atPath: streams, withIntermediateDirectories: true)
        let file = URL(filePath: "\(streams)/\(stored.head.log.id).journal")
        try Data(journal).write(to: file)
        let path = "/v1/generations/\(stored.head.responseID)"
        var bodies: [String] = []
        try await JournalScenario.serve(state.path, script: script, configure: configure) { server in
            for path in ["\(path)/events", "/v1/stream?conv_id=\(JournalScenario.label)", "\(path)/result"] {
                bodies.append(try await server.send("GET", path).body)
            }
        }
        self.journal = Array(try Data(contentsOf: file))
        (events, stream, result) = (bodies[0], bodies[1], bodies[2])
    }
}
