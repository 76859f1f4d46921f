import MartletProtocol
import MartletStreams

/// The text of one choice, as a reader joins it that has seen every event, and the text that its tokens have.
///
/// Example: a reader has seen text under a number that an early end has skipped. If the end brings the same text again,
/// the joined text has it twice, although each log that there ever was is right.
struct JoinedText {
    private var text: [UInt8] = []
    private var tokens: [UInt8] = []
    /// Whether the text is not that of the tokens any more: a rewind or a call has come.
    private var isOver = false

    /// Compares the text of a log, together with the events that readers have seen and that it lacks, with the tokens.
    /// - Parameters:
    ///   - contents: a log that has ended.
    ///   - record: all parts of numbered streams and the bytes of other streams that readers have received.
    /// - Returns: a sentence about the first choice with a wrong text; nil = all are right.
    static func fault(
        in contents: LogContents, seen record: SimulationTruth.Record
    ) -> String? {
        var choices = [JoinedText](repeating: JoinedText(), count: record.request.choices)
        func add(_ event: LogEvent) {
            let (choice, event) = if case .choice(let choice, let inner) = event { (choice, inner) } else { (0, event) }
            if choices.indices.contains(choice) { choices[choice].add(event) }
        }
        let missing = contents.firstMissing ?? .max
        for (number, event) in contents.entries where number < missing { add(event) }
        if missing < .max {
            for part in Self.lostParts(contents, record, from: missing) {
                let (choice, line) = Self.choice(of: part)
                if choices.indices.contains(choice) { choices[choice].add(line: line) }
            }
            for (number, event) in contents.entries where number > missing { add(event) }
        }
        let end = contents.entries.last?.event
        for (index, choice) in choices.enumerated() {
            if let fault = choice.fault(of: end) { return "choice \(index): \(fault)" }
        }
        return nil
    }

    /// The parts that readers have received and that the log lacks, in their order.
    private static func lostParts(
        _ contents: LogContents, _ record: SimulationTruth.Record, from missing: Int
    ) -> [[UInt8]] {
        let keys = record.parts.keys.filter { $0.number >= missing && contents.event($0.number) == nil }
            .sorted { ($0.number, $0.part) < ($1.number, $1.part) }
        let numbered = keys.compactMap { record.parts[$0] }
        let others = SimulatedParts.split(Array(record.bytes.dropFirst(contents.missingOffset))).map { Array($0) }
        return others.count > numbered.count ? others : numbered
    }

    private mutating func add(_ event: LogEvent) {
        switch event {
        case .text(let channel, let token, let bytes), .detailedText(let channel, let token, let bytes, _):
            add(isDelimiter: channel == .delimiter, token, bytes)
        case .call, .arguments: isOver = true
        case .controlled(let record): if case .rewound = record.command { isOver = true }
        default: break
        }
    }

    /// Adds text and the token with which it came.
    private mutating func add(isDelimiter: Bool, _ token: Int32?, _ bytes: some Sequence<UInt8>) {
        // The text before a delimiter of a call decides whether the delimiter is text.
        if token == SimulatedScript.callStart || token == SimulatedScript.callEnd { isOver = true }
        guard !isOver else { return }
        if !isDelimiter { text += bytes.filter { $0 > 0x20 } }
        guard let token, SimulatedScript.text(of: token) == nil else { return }
        tokens += SimulatedModel.text(of: token).filter { $0 > 0x20 }
    }

    /// - Parameter end: the terminal event of the generation.
    private func fault(of end: LogEvent?) -> String? {
        let joined = String(decoding: text.suffix(60), as: UTF8.self)
        guard tokens.starts(with: text) else {
            return
                "the text '…\(joined)' is not that of its tokens '…\(String(decoding: tokens.suffix(60), as: UTF8.self))'"
        }
        guard !isOver, case .finished(let summary)? = end,
            summary.reason == .endOfGeneration || summary.reason == .tokenLimit, text.count < tokens.count
        else { return nil }
        return
            "the end '…\(String(decoding: tokens.suffix(60), as: UTF8.self))' of the text is missing behind '…\(joined)'"
    }

    // MARK: Parts of streams

    /// The choice that a part of a stream names, and its line behind that: `1: text content 7 abc`.
    private static func choice(of part: [UInt8]) -> (Int, Substring) {
        let line = Substring(String(decoding: part, as: UTF8.self)).prefix { $0 != "\n" }.dropFirst("data: ".count)
        guard let colon = line.firstRange(of: ": "), let choice = Int(line[..<colon.lowerBound]) else {
            return (0, line)
        }
        return (choice, line[colon.upperBound...])
    }

    private mutating func add(line: Substring) {
        let words = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
        switch words.first {
        case "text" where words.count == 4:
            add(isDelimiter: words[1] == "delimiter", Int32(words[2]).flatMap { $0 < 0 ? nil : $0 }, words[3].utf8)
        case "call", "arguments": isOver = true
        case "command": if line.contains("rewound") { isOver = true }
        default: break
        }
    }
}
