package import MartletProtocol

/// The constraint is no field: a request has the whole one, and a view shows its source.
extension GenerationParameters: FieldRecord {
    package static var blank: Self { Self() }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &sampling)
        try coder.field(2, &maximumTokens)
        try coder.field(3, &maximumTime)
        try coder.list(4, &stops)
        try coder.field(5, &ignoresEndOfGeneration)
        try coder.field(6, &reusesPrompt)
        try coder.field(7, &reportsProgress)
        try coder.field(8, &reportsPromptLogprobs)
        try coder.field(9, &reportsTokenTimings)
        try coder.field(10, &probabilities)
        try coder.field(11, &slot)
        try coder.field(12, &minimumIndent)
        try coder.field(13, &contextShift)
        var cache: CacheParameters? = self.cache == CacheParameters() ? nil : self.cache
        try coder.field(14, &cache)
        self.cache = cache ?? CacheParameters()
        try coder.field(15, &priority)
        var wanted: SpeculationParameters? = speculation == SpeculationParameters() ? nil : speculation
        try coder.field(16, &wanted)
        speculation = wanted ?? SpeculationParameters()
    }
}
