package import MartletProtocol

extension ModelInformation: FieldRecord {
    package static var blank: Self { Self() }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &path)
        try coder.field(2, &name)
        try coder.field(3, &summary)
        try coder.field(4, &fileType)
        try coder.field(5, &parameterCount)
        try coder.field(6, &byteCount)
        try coder.field(7, &vocabularyKind)
        try coder.field(8, &vocabularySize)
        try coder.field(9, &embeddingLength)
        try coder.field(10, &trainedContextLength)
        try coder.field(11, &contextLength)
        try coder.field(12, &sequenceContextLength)
        try coder.field(13, &sequenceCount)
        try coder.field(14, &chatTemplate)
        try coder.field(15, &toolUseChatTemplate)
        try coder.field(16, &beginningToken)
        try coder.field(17, &endToken)
        try coder.packed(18, &endOfGenerationTokens)
        try coder.field(19, &embeddingPooling)
        try coder.list(20, &adapters)
        try coder.field(21, &loadTime)
        try coder.field(22, &rerankFormat)
        // Absent for a model without such tokens, as in journals that were written before the field existed.
        var infill = infillTokens == InfillTokens() ? [] : infillTokens.numbers
        try coder.packed(23, &infill)
        infillTokens.numbers = infill
        try coder.field(24, &batchSize)
    }
}

extension RerankFormat: FieldRecord {
    package static var blank: Self { Self() }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &template)
        try coder.packed(2, &before)
        try coder.packed(3, &between)
        try coder.packed(4, &after)
    }
}

extension EmbeddingPooling: FieldCase {
    package static var name: StaticString { "pooling" }
    package var fieldNumber: UInt64 {
        switch self {
        case .none: 0
        case .mean: 1
        case .first: 2
        case .last: 3
        case .rank: 4
        }
    }
}

extension AdapterInformation: FieldRecord {
    package static var blank: Self { Self(path: "", scale: 0) }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &path)
        try coder.field(2, &scale)
        try coder.field(3, &taskName)
        try coder.field(4, &promptPrefix)
    }
}
