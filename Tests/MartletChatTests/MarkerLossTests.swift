import MartletJSON
import OrderedCollections
import Testing

@testable import MartletChat

/// Whatever marker of an answer is missing, comes twice or stands where it does not belong: none is content.
@Suite("Lost markers") struct MarkerLossTests {
    /// Tags that texts hold for themselves, so that they are content where no call is near: what a call of these forms
    /// leaves without its opening.
    private static let everyday: Set = ["minicpm", "functionary-tags", "mistral", "mistral-ids"]

    /// The single tags of a form, and what its literals begin with.
    private static func markers(of syntax: OutputSyntax) -> [String] {
        let all = syntax.strayTags + syntax.tokens(withCalls: true) + (syntax.calls?.strayTags ?? [])
        return Set(all.filter { OutputSyntax.beginsWithTag($0) && $0.utf8.count > 2 }).sorted()
    }

    /// Where markers stand in a text, the longest at each place.
    private static func places(of markers: [String], in text: [UInt8]) -> [Range<Int>] {
        var places: [Range<Int>] = []
        var index = 0
        while index < text.count {
            let found = markers.filter { text[index...].starts(with: $0.utf8) }.map(\.utf8.count).max() ?? 0
            if found > 0 { places.append(index..<index + found) }
            index += max(found, 1)
        }
        return places
    }

    private func check(
        _ bytes: [UInt8], _ family: OutputCases, _ test: OutputCases.Case, _ markers: [String], hidesThought: Bool,
        _ label: String
    ) {
        let text = String(decoding: bytes, as: UTF8.self)
        let message = family.message(text, test)
        let label = Comment(
            rawValue: "\(family.file), \(test.name), \(label): \(text.debugDescription) is \(message.json.text)")
        #expect(markers.filter { message.content.contains($0) } == [], label)
        if hidesThought { #expect(!message.content.contains("I look first"), label) }
        #expect(family.message(text, test, cuts: Array(bytes.indices.dropFirst())) == message, label)
    }

    @Test(arguments: OutputCases.all) func noMarkerIsContent(family: OutputCases) {
        let syntax = family.syntax.syntax
        let markers = Self.markers(of: syntax)
        let start = (syntax.reasoning?.start ?? "") + (syntax.messageHead?.starts.joined() ?? "")
        for test in family.cases where test.isWellFormed {
            let bytes = Array(test.output.utf8)
            for place in Self.places(of: markers, in: bytes) {
                let marker = String(decoding: bytes[place], as: UTF8.self)
                let isCallStart =
                    Self.everyday.contains(family.file)
                    && [syntax.calls?.callOpening ?? ""].contains { $0.hasPrefix(marker) }
                let isThinkingStart = start.contains(marker)
                if !isCallStart {
                    check(
                        Array(bytes[..<place.lowerBound] + bytes[place.upperBound...]), family, test, markers,
                        hidesThought: !isThinkingStart, "without \(marker)")
                }
                check(
                    Array(bytes[..<place.upperBound] + bytes[place.lowerBound...]), family, test, markers,
                    hidesThought: true, "\(marker) twice")
            }
        }
    }

    /// At the end of a text.
    @Test(arguments: OutputCases.all) func strayMarkerIsNoContent(family: OutputCases) {
        let syntax = family.syntax.syntax
        for test in family.cases where test.name == "text" {
            for marker in Self.markers(of: syntax) where OutputSyntax.isUnmistakable(marker) {
                let message = family.message(test.output + " " + marker, test)
                #expect(!message.content.contains(marker), "\(family.file): \(marker)")
                #expect(message.content.hasPrefix("Good morning."), "\(family.file): \(marker)")
            }
        }
    }
}
