package import MartletProtocol

extension SamplingParameters: FieldRecord {
    package static var blank: Self { Self() }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &repeatLastN)
        try coder.field(2, &repeatPenalty)
        try coder.field(3, &frequencyPenalty)
        try coder.field(4, &presencePenalty)
        try coder.field(5, &topK)
        try coder.field(6, &topP)
        try coder.field(7, &minP)
        try coder.field(8, &temperature)
        try coder.field(9, &dynamicTemperatureRange)
        try coder.field(10, &dynamicTemperatureExponent)
        try coder.field(11, &topNSigma)
        try coder.field(12, &typicalP)
        try coder.field(13, &xtcProbability)
        try coder.field(14, &xtcThreshold)
        try coder.field(15, &dry)
        try coder.field(16, &mirostat)
        try coder.field(17, &mirostatTau)
        try coder.field(18, &mirostatEta)
        try coder.field(19, &adaptiveTarget)
        try coder.field(20, &adaptiveDecay)
        try coder.field(21, &minKeep)
        try coder.list(22, &samplers)
        try coder.list(23, &logitBiases)
        try coder.field(24, &seed)
    }
}

extension DryParameters: FieldRecord {
    package static var blank: Self { Self() }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &multiplier)
        try coder.field(2, &base)
        try coder.field(3, &allowedLength)
        try coder.field(4, &lastN)
        try coder.list(5, &sequenceBreakers)
    }
}

extension SamplerKind: FieldCase {
    package static var name: StaticString { "sampler" }
    package var fieldNumber: UInt64 {
        switch self {
        case .penalties: 0
        case .dry: 1
        case .topNSigma: 2
        case .topK: 3
        case .typicalP: 4
        case .topP: 5
        case .minP: 6
        case .xtc: 7
        case .temperature: 8
        case .adaptiveP: 9
        }
    }
}

extension Mirostat: FieldCase {
    package static var name: StaticString { "kind of mirostat" }
    package var fieldNumber: UInt64 {
        switch self {
        case .off: 0
        case .first: 1
        case .second: 2
        }
    }
}

/// One of 1 token and 2 text, then 3 bias.
extension LogitBias: FieldMessage {
    package func write(to writer: inout JournalFieldWriter) {
        switch target {
        case .token(let id): writer.scalar(1, id)
        case .text(let text): writer.scalar(2, text)
        }
        var bias = bias
        writer.field(3, &bias)
    }

    package init(from reader: inout JournalFieldReader) throws(FieldError) {
        let target: Target =
            switch try reader.caseNumber(in: 1...2, of: "target of a bias") {
            case 1: .token(try Int32(from: &reader))
            default: .text(try String(from: &reader))
            }
        self.init(target, bias: try reader.value(3))
    }
}

extension ProbabilityRequest: FieldRecord {
    package static var blank: Self { Self(count: 0) }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &count)
        try coder.field(2, &stage)
    }
}

extension ProbabilityRequest.Stage: FieldCase {
    package static var name: StaticString { "stage of probabilities" }
    package var fieldNumber: UInt64 {
        switch self {
        case .beforeSampling: 0
        case .afterSampling: 1
        }
    }
}
