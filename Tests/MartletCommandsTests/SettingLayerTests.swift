import MartletTestSupport
import Testing

@testable import MartletCommands

/// The sources of settings in random combinations, against the order that the help text promises.
@Suite struct SettingLayerTests {
    /// Two different valid texts of a setting, or `nil` where the test has none.
    private static func samples(_ setting: Setting) -> [String]? {
        switch setting.kind {
        case .toggle: ["on", "off"]
        case .text, .anyText: ["one", "two"]
        case .texts, .list: ["one", "two"]
        case .integer(let range), .integerOrWord(let range, _): ["\(range.lowerBound)", "\(range.upperBound)"]
        case .number(let range): ["\(range.lowerBound)", "\(range.upperBound)"]
        case .bounds(let range): ["\(range.lowerBound) \(range.upperBound)", "\(range.upperBound) \(range.upperBound)"]
        case .choice(let words): words.count > 1 ? [words[0], words[1]] : nil
        case .onOffAuto: ["on", "off"]
        case .object: [#"{"a":1}"#, #"{"a":2}"#]
        }
    }

    private struct Case {
        var arguments: [String] = []
        var environment: [String: String] = [:]
        var lines: [String] = []
        var expected: [FlagKey: (text: String?, source: SettingValues.Source)] = [:]
    }

    /// Settings with a random subset of sources, and values that break the rule in overridden sources.
    private func make(_ random: inout SeededGenerator) -> Case {
        var result = Case()
        let settings = SettingTable.settings(of: .serve).filter { $0.key != .config }
        for setting in settings.shuffled(using: &random).prefix(12) {
            guard let samples = Self.samples(setting) else { continue }
            func value() -> String { samples[Int.random(in: 0..<2, using: &random)] }
            let hasFlag = Bool.random(using: &random)
            let hasVariable = Bool.random(using: &random)
            let hasLine = Bool.random(using: &random)
            var winner: (String?, SettingValues.Source) = (setting.defaultText, .default)
            if hasLine {
                let text = hasFlag || hasVariable ? "\u{1}wrong" : value()
                result.lines.append("\(setting.key.rawValue) = \(text)")
                winner = (text, .file)
            }
            if hasVariable {
                // The first variable of the setting counts, so the second may be wrong.
                let names = setting.environmentNames
                let text = hasFlag ? "\u{1}wrong" : value()
                result.environment[names[0]] = text
                if names.count > 1 { result.environment[names[1]] = "\u{1}wrong" }
                winner = (text, .environment)
            }
            if hasFlag {
                let text = value()
                let name = random.element(of: setting.names)
                // Of several flags the last counts; lists add up.
                if !setting.kind.addsUp, Bool.random(using: &random) { result.arguments.append("\(name)=\(value())") }
                result.arguments.append("\(name)=\(text)")
                winner = (text, .flag)
            }
            result.expected[setting.key] = winner
        }
        return result
    }

    @Test(arguments: 0..<150) func theStrongestSourceCountsAndOthersAreNotChecked(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let layers = make(&random)
        let text = layers.lines.shuffled(using: &random).joined(separator: "\n")
        let values = try SettingParser(command: .serve).parse(
            arguments: layers.arguments.shuffledInPairs(&random) + ["--config", "f"],
            environment: { layers.environment[$0] }
        ) { _ throws(SettingError) in text }
        for (key, expected) in layers.expected {
            let choice = values.choices[key]
            let setting = try #require(SettingTable.all.first { $0.key == key })
            #expect(choice?.value == expected.text.flatMap { setting.kind.value(of: [$0]) }, "\(key): \(layers)")
            if let choice { #expect(choice.source == expected.source, "\(key)") }
            #expect(values.isChosen(key) == (expected.source != .default))
        }
        #expect(values.notices.isEmpty)
    }

    /// A wrong value is refused wherever it counts, and the error begins with its place.
    @Test(arguments: 0..<100) func aWrongValueIsNamedByItsSource(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed) + 1_000)
        let settings = SettingTable.settings(of: .serve).filter { setting in
            if case .integer = setting.kind { setting.key != .config } else { false }
        }
        let setting = try #require(settings.randomElement(using: &random))
        let parser = SettingParser(command: .serve)
        func message(_ arguments: [String], _ environment: [String: String], _ text: String) -> String {
            do throws(SettingError) {
                _ = try parser.parse(arguments: arguments + ["--config=f"], environment: { environment[$0] }) {
                    _ throws(SettingError) in text
                }
                return ""
            } catch {
                return error.description
            }
        }
        let rule = "must be \(setting.rule), not 'x'"
        let name = try #require(setting.names.randomElement(using: &random))
        #expect(message(["\(name)=x"], [:], "") == "\(name) \(rule)")
        let variable = try #require(setting.environmentNames.randomElement(using: &random))
        #expect(message([], [variable: "x"], "") == "\(variable) \(rule)")
        #expect(message([], [:], "\n\(setting.key.rawValue)=x") == "f:2: --\(setting.key.rawValue) \(rule)")
    }

    /// `--name value`, `--name=value`, underscores and short names are one flag.
    @Test func everySpellingOfEveryFlagSetsTheSameValue() throws {
        let parser = SettingParser(command: .serve)
        for setting in SettingTable.settings(of: .serve) where setting.key != .config {
            guard let text = Self.samples(setting)?[0], setting.valueCount == 1 else { continue }
            let expected = setting.kind.value(of: [text])
            for name in setting.names {
                let spelled =
                    name.hasPrefix("--") ? "--" + name.dropFirst(2).map { $0 == "-" ? "_" : "\($0)" }.joined() : name
                for arguments in [["\(name)=\(text)"], ["\(spelled)=\(text)"], [name, text]] {
                    let values = try parser.parse(arguments: arguments) { _ in nil }
                    #expect(values.choices[setting.key]?.value == expected, "\(arguments)")
                }
            }
        }
    }

    @Test func togglesAreOffByTheirNegativeNamesAndVariables() throws {
        let parser = SettingParser(command: .serve)
        for setting in SettingTable.settings(of: .serve) where setting.valueCount == 0 {
            for name in setting.negativeNames {
                #expect(try parser.parse(arguments: [name]) { _ in nil }.toggle(setting.key) == false, "\(name)")
            }
            for variable in setting.negativeVariables {
                let values = try parser.parse(arguments: []) { $0 == variable ? "" : nil }
                #expect(values.toggle(setting.key) == false, "\(variable)")
            }
        }
    }

    /// An unknown name is never accepted, and the nearest known name is offered.
    @Test(arguments: 0..<100) func aTypingErrorIsRefusedWithTheFlagThatIsMeant(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed) + 2_000)
        let parser = SettingParser(command: .serve)
        let names = SettingTable.settings(of: .serve).flatMap(\.names).filter { $0.utf8.count > 8 }
        var letters = Array(try #require(names.randomElement(using: &random)))
        let original = String(letters)
        let index = Int.random(in: 3..<letters.count - 1, using: &random)
        letters.swapAt(index, index + 1)
        let typed = String(letters)
        guard !parser.isKnown(typed) else { return }
        let error = #expect(throws: SettingError.self) { try parser.parse(arguments: ["\(typed)=1"]) { _ in nil } }
        let text = try #require(error?.description)
        #expect(text.hasPrefix("unknown flag \(typed); did you mean "))
        // Another flag may be as near, but none is nearer.
        let offered = String(text.dropFirst("unknown flag \(typed); did you mean ".count).dropLast())
        #expect(EditDistanceCheck.distance(typed, offered) <= 1 || offered.hasPrefix(typed), "\(original): \(text)")
    }
}

private enum EditDistanceCheck {
    /// The number of places that differ, counting a swap of neighbours once.
    static func distance(_ left: String, _ right: String) -> Int {
        let (one, other) = (Array(left.utf8), Array(right.utf8))
        guard one.count == other.count else { return abs(one.count - other.count) }
        let places = one.indices.filter { one[$0] != other[$0] }
        if places.count == 2, places[1] == places[0] + 1, one[places[0]] == other[places[1]] { return 1 }
        return places.count
    }
}

extension [String] {
    /// The same arguments: equal flags stay in their order.
    fileprivate func shuffledInPairs(_ random: inout SeededGenerator) -> [String] {
        var groups: [[String]] = []
        for argument in self {
            let name = argument.prefix { $0 != "=" }
            if let last = groups.last?.last, last.prefix(while: { $0 != "=" }) == name {
                groups[groups.count - 1].append(argument)
            } else {
                groups.append([argument])
            }
        }
        return groups.shuffled(using: &random).flatMap { $0 }
    }
}
