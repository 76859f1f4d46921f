internal import MartletProtocol

extension GenerationSummary {
    /// How several choices ended: as the first did. A prompt counts once, however many answers it has.
    /// - Parameter choices: at least one, as many to each prompt.
    init(sumOf choices: [GenerationSummary], perPrompt: Int) {
        self = choices[0]
        var sum = Timings()
        sum.queueTime = timings.queueTime
        for (index, choice) in choices.enumerated() {
            if index % max(1, perPrompt) == 0 {
                sum.promptTokens += choice.timings.promptTokens
                sum.cachedTokens += choice.timings.cachedTokens
                sum.promptTime += choice.timings.promptTime
            }
            sum.predictedTokens += choice.timings.predictedTokens
            sum.reasoningTokens += choice.timings.reasoningTokens
            sum.predictedTime = max(sum.predictedTime, choice.timings.predictedTime)
            sum.samplingTime += choice.timings.samplingTime
            sum.grammarTime += choice.timings.grammarTime
        }
        timings = sum
        // Who cancels one cancels all; what had ended before has ended.
        if choices.contains(where: { $0.reason == .cancelled }) { reason = .cancelled }
    }
}
