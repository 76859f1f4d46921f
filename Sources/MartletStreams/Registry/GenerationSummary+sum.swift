internal import MartletProtocol

extension GenerationSummary {
    /// The summary of several choices. The reason is the first choice's. A prompt's tokens count once for all of its
    /// choices; choices decode at the same time, so the longest decode time counts.
    /// - Parameters:
    ///   - choices: at least one, in the order of the prompts.
    ///   - perPrompt: the number of choices of each prompt.
    init(sumOf choices: [GenerationSummary], perPrompt: Int) {
        self = choices[0]
        var sum = Timings()
        sum.queueTime = timings.queueTime
        for (index, choice) in choices.enumerated() {
            if index % max(1, perPrompt) == 0 {
                sum.promptTokens += choice.timings.promptTokens
                sum.cachedTokens += choice.timings.cachedTokens
                sum.restoredTokens.ram += choice.timings.restoredTokens.ram
                sum.restoredTokens.disk += choice.timings.restoredTokens.disk
                sum.promptTime += choice.timings.promptTime
            }
            sum.predictedTokens += choice.timings.predictedTokens
            sum.reasoningTokens += choice.timings.reasoningTokens
            sum.draftedTokens += choice.timings.draftedTokens
            sum.acceptedDraftTokens += choice.timings.acceptedDraftTokens
            sum.predictedTime = max(sum.predictedTime, choice.timings.predictedTime)
            sum.samplingTime += choice.timings.samplingTime
            sum.grammarTime += choice.timings.grammarTime
        }
        timings = sum
        // A cancellation concerns all choices, but a choice that had ended before has its own reason.
        if choices.contains(where: { $0.reason == .cancelled }) { reason = .cancelled }
    }
}
