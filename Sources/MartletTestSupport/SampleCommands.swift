package import MartletProtocol

/// Random control commands and results. Every case of the types occurs.
package enum SampleCommands {
    package typealias Generator = SampleFrames.Generator

    /// A control command.
    package static func action(_ random: inout Generator) -> ControlAction {
        switch Int.random(in: 0..<10, using: &random) {
        case 0: .endReasoning(message: random.maybe { $0.text() })
        case 1: .stop(reason: random.maybe { $0.text() })
        case 2: .pause
        case 3: .resume
        case 4: .set(change(&random))
        case 5:
            .inject(
                Injection(
                    content: SampleFrames.prompt(&random),
                    moment: Injection.Moment.allCases.randomElement(using: &random) ?? .now,
                    opensTurn: Bool.random(using: &random)))
        case 6: .rewind(.token(random.integer()))
        case 7: .rewind(.text(random.text()))
        case 8:
            .fork(
                random.list { random in
                    ForkedGeneration(
                        handle: GenerationHandle(rawValue: random.unsigned()), changes: change(&random))
                })
        default: .status
        }
    }

    /// A result of a control command.
    package static func result(_ random: inout Generator) -> ControlResult {
        switch Int.random(in: 0..<3, using: &random) {
        case 0: .applied(command(&random), token: random.integer())
        case 1: .refused(refusal(&random))
        default: .status(report(&random))
        }
    }

    /// Changed settings. Without keys there are no values, as on the wire.
    private static func change(_ random: inout Generator) -> SettingsChange {
        let keys = random.list { AdjustableSettingKey.allCases.randomElement(using: &$0) ?? .seed }
        return keys.isEmpty ? SettingsChange() : SettingsChange(keys: keys, values: settings(&random))
    }

    /// Settings with a random number in every field.
    private static func settings(_ random: inout Generator) -> AdjustableSettings {
        SampleFrames.request(&random).settings
    }

    /// An applied command of any kind.
    private static func command(_ random: inout Generator) -> AppliedCommand {
        switch Int.random(in: 0..<8, using: &random) {
        case 0: .reasoningEnded(tokens: random.integer())
        case 1: .stopped(reason: random.maybe { $0.text() })
        case 2: .paused
        case 3: .resumed
        case 4: .changed(change(&random), old: settings(&random))
        case 5: .injected(opensTurn: Bool.random(using: &random), tokens: random.integer())
        case 6: .rewound
        default: .forked(random.list { GenerationHandle(rawValue: $0.unsigned()) })
        }
    }

    /// A refusal of any kind.
    private static func refusal(_ random: inout Generator) -> ControlRefusal {
        switch Int.random(in: 0..<14, using: &random) {
        case 0: .notReasoning
        case 1: .reasoningAlreadyEnded
        case 2: .noReasoningDelimiters
        case 3: .notStarted
        case 4: .notPaused
        case 5: .alreadyPaused
        case 6: .contextFull(tokens: random.integer())
        case 7: .tooManyInjections(limit: random.integer())
        case 8: .beyondEnd(tokens: random.integer())
        case 9: .textNotFound
        case 10: .noFreeSequence(idle: random.integer())
        case 11: .truncated
        case 12: .constrained
        default: .invalid(random.text())
        }
    }

    /// A status with a random number in every field.
    private static func report(_ random: inout Generator) -> GenerationReport {
        var report = GenerationReport()
        report.phase = GenerationReport.Phase.allCases.randomElement(using: &random) ?? .queued
        report.isPaused = Bool.random(using: &random)
        report.position = random.maybe { $0.integer() }
        report.promptTokens = random.integer()
        report.promptTokensProcessed = random.integer()
        report.cachedTokens = random.integer()
        report.predictedTokens = random.integer()
        report.reasoningTokens = random.integer()
        report.reasoningBudget = random.maybe { $0.integer() }
        report.kvCacheTokens = random.integer()
        report.swappedOutTokens = random.integer()
        report.predictedTime = random.duration()
        return report
    }
}
