import MartletJSON
import Testing

@testable import MartletCommands

/// Every setting of the table accepts the values of its rule and refuses others by name, rule and value.
@Suite struct SettingRuleTests {
    /// The value of a setting after `--flag text`.
    private func value(_ setting: Setting, _ text: String) throws(SettingError) -> SettingValues.Value? {
        try SettingParser(command: .serve).parse(arguments: ["\(setting.names[0])=\(text)"]) { _ in nil }
            .choices[setting.key]?.value
    }

    /// The error for `--flag text`; `nil` if the text is accepted.
    private func message(_ setting: Setting, _ text: String) -> String? {
        do throws(SettingError) {
            _ = try value(setting, text)
            return nil
        } catch {
            return error.description
        }
    }

    private func expectRefused(_ setting: Setting, _ texts: [String]) {
        for text in texts {
            #expect(message(setting, text) == "\(setting.names[0]) must be \(setting.rule), not '\(text)'")
        }
    }

    /// `--config` names a file, which the parser would read.
    private static let settings = SettingTable.all.filter { $0.key != .config }

    @Test func wholeNumbersAreAcceptedUpToBothEndsOfTheirRange() throws {
        for setting in Self.settings {
            guard case .integer(let range) = setting.kind else { continue }
            #expect(try value(setting, "\(range.lowerBound)") == .integer(range.lowerBound), "\(setting.key)")
            #expect(try value(setting, "\(range.upperBound)") == .integer(range.upperBound), "\(setting.key)")
            expectRefused(setting, ["\(range.lowerBound - 1)", "1.5", "x", "", "1e3", " 1"])
            if range.upperBound < .max { expectRefused(setting, ["\(range.upperBound + 1)"]) }
            expectRefused(setting, ["9223372036854775808", "99999999999999999999999"])
        }
    }

    @Test func wordsStandForNumbersWhereTheTableSaysSo() throws {
        for setting in Self.settings {
            guard case .integerOrWord(let range, let words) = setting.kind else { continue }
            for (word, number) in words { #expect(try value(setting, word) == .integer(number), "\(setting.key)") }
            #expect(try value(setting, "\(range.upperBound)") == .integer(range.upperBound), "\(setting.key)")
            expectRefused(setting, ["\(range.upperBound + 1)", "some", ""])
        }
    }

    @Test func numbersAreFiniteAndWithinTheirRange() throws {
        for setting in Self.settings {
            guard case .number(let range) = setting.kind else { continue }
            #expect(try value(setting, "\(range.lowerBound)") == .number(range.lowerBound), "\(setting.key)")
            #expect(try value(setting, "\(range.upperBound)") == .number(range.upperBound), "\(setting.key)")
            expectRefused(setting, ["nan", "inf", "-inf", "", "x", "\(range.upperBound * 2 + 1)"])
            expectRefused(setting, ["\(range.lowerBound - 1)"])
        }
    }

    @Test func choicesAreTheWordsOfTheTableAlone() throws {
        for setting in Self.settings {
            guard case .choice(let words) = setting.kind else { continue }
            for word in words { #expect(try value(setting, word) == .text(word), "\(setting.key)") }
            expectRefused(setting, ["", "nothing-like-this", (words.first ?? "") + " "])
        }
    }

    @Test func togglesUnderstandEverySpellingOfOnAndOff() throws {
        for setting in Self.settings {
            guard case .toggle = setting.kind else { continue }
            for word in ["on", "true", "1", "yes", "enabled", "ON"] {
                #expect(try value(setting, word) == .toggle(true), "\(setting.key)")
            }
            for word in ["off", "false", "0", "no", "disabled", "Off"] {
                #expect(try value(setting, word) == .toggle(false), "\(setting.key)")
            }
            expectRefused(setting, ["auto", "2", ""])
        }
    }

    @Test func automaticIsAThirdState() throws {
        for setting in Self.settings {
            guard case .onOffAuto = setting.kind else { continue }
            for (word, state) in [("on", "on"), ("0", "off"), ("auto", "auto"), ("-1", "auto"), ("yes", "on")] {
                #expect(try value(setting, word) == .text(state), "\(setting.key)")
            }
            expectRefused(setting, ["2", "", "maybe"])
        }
    }

    @Test func onlyTextsThatSaySoMayBeEmpty() throws {
        for setting in Self.settings {
            switch setting.kind {
            case .text, .texts, .list: expectRefused(setting, [""])
            case .anyText: #expect(try value(setting, "") == .text(""), "\(setting.key)")
            default: continue
            }
        }
    }

    @Test func listsAreCutAtCommasOutsideOfQuotes() throws {
        for setting in Self.settings {
            guard case .list = setting.kind else { continue }
            #expect(try value(setting, "a, b") == .list(["a", "b"]), "\(setting.key)")
            #expect(try value(setting, "\"a,b\",c") == .list(["a,b", "c"]), "\(setting.key)")
            expectRefused(setting, [",", " , "])
        }
    }

    @Test func boundsAreTwoNumbersInOrder() throws {
        for setting in Self.settings {
            guard case .bounds(let range) = setting.kind else { continue }
            #expect(try value(setting, "\(range.lowerBound) \(range.upperBound)") == .bounds(range))
            expectRefused(setting, ["1", "2 1", "0 \(range.upperBound + 1)", "1 2 3", "a b"])
        }
    }

    @Test func objectsAreJSONObjects() throws {
        for setting in Self.settings {
            guard case .object = setting.kind else { continue }
            #expect(try value(setting, #"{"a": 1}"#) == .object(["a": 1]))
            expectRefused(setting, ["[]", "1", "{", ""])
        }
    }

    /// A default is a value like any other, so help texts cannot show one that the parser refuses.
    @Test func everyDefaultFulfilsItsRule() throws {
        for setting in Self.settings {
            guard let text = setting.defaultText else { continue }
            #expect(message(setting, text) == nil, "\(setting.key)")
            #expect(setting.unsetMeaning == nil, "\(setting.key) has a default, so it is never unset")
        }
    }

    /// The worker must get the values that the edge has read, in whatever spelling the user chose.
    @Test func theWorkerReadsWhatTheEdgePassesOn() throws {
        for setting in SettingTable.settings(of: .worker) where setting.key != .model {
            guard let text = Self.sample(setting.kind) else { continue }
            let values = try SettingParser(command: .serve).parse(
                arguments: ["\(setting.names[0])=\(text)"]) { _ in nil }
            let worker = try SettingParser(command: .worker).parse(arguments: values.workerArguments()) { _ in nil }
            #expect(worker.choices[setting.key]?.value == values.choices[setting.key]?.value, "\(setting.key)")
            #expect(worker.isChosen(setting.key), "\(setting.key)")
        }
    }

    private static func sample(_ kind: Setting.Kind) -> String? {
        switch kind {
        case .toggle: "off"
        case .text, .anyText, .texts: "some=text"
        case .integer(let range), .integerOrWord(let range, _): "\(range.upperBound)"
        case .number(let range): "\(range.upperBound)"
        case .bounds(let range): "\(range.lowerBound) \(range.upperBound)"
        case .choice(let words): words.last
        case .onOffAuto: "0"
        case .list: "a,\"b,c\""
        case .object: #"{"a":1}"#
        }
    }
}
