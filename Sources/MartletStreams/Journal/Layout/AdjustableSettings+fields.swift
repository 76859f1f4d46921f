internal import MartletGrammar
package import MartletProtocol

extension AdjustableSettings: FieldRecord {
    package static var blank: Self { Self() }

    package mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, &sampling)
        try coder.field(2, &maximumTokens)
        try coder.field(3, &maximumTime)
        try coder.list(4, &stops)
        try coder.field(5, &probabilities)
        try coder.field(6, &reasoningBudget)
        try coder.field(7, &constraint)
        try coder.field(8, &constraintStart)
    }
}

/// 1 version of the grammar's encoding, 2 the grammar.
extension GenerationConstraint: FieldMessage {
    private static let encodingVersion: UInt64 = 1

    package func write(to writer: inout JournalFieldWriter) {
        writer.scalar(1, Self.encodingVersion)
        writer.scalar(2, grammar.encoded())
    }

    package init(from reader: inout JournalFieldReader) throws(FieldError) {
        let version: UInt64 = try reader.value(1)
        guard version == Self.encodingVersion else { throw .unknownCase(of: "encoding of a grammar", number: version) }
        let bytes: ArraySlice<UInt8> = try reader.value(2)
        // The limits of the grammar were checked when it was made.
        guard let grammar = try? Grammar(decoding: bytes, limits: .unlimited) else { throw .invalid("grammar") }
        self.init(grammar)
    }
}

/// 1 keys, 2 values. Without keys there are no values.
extension SettingsChange: FieldMessage {
    package func write(to writer: inout JournalFieldWriter) {
        for key in keys { writer.scalar(1, key) }
        if !keys.isEmpty { writer.message(2) { values.write(to: &$0) } }
    }

    package init(from reader: inout JournalFieldReader) throws(FieldError) {
        self.init()
        try reader.list(1, &keys)
        if !keys.isEmpty { try reader.field(2, &values) }
    }
}

extension AdjustableSettingKey: FieldCase {
    package static var name: StaticString { "setting" }
    package var fieldNumber: UInt64 {
        switch self {
        case .temperature: 0
        case .topK: 1
        case .topP: 2
        case .minP: 3
        case .topNSigma: 4
        case .typicalP: 5
        case .minKeep: 6
        case .dynamicTemperatureRange: 7
        case .dynamicTemperatureExponent: 8
        case .xtcProbability: 9
        case .xtcThreshold: 10
        case .repeatLastN: 11
        case .repeatPenalty: 12
        case .frequencyPenalty: 13
        case .presencePenalty: 14
        case .dryMultiplier: 15
        case .dryBase: 16
        case .dryAllowedLength: 17
        case .dryLastN: 18
        case .drySequenceBreakers: 19
        case .mirostat: 20
        case .mirostatTau: 21
        case .mirostatEta: 22
        case .adaptiveTarget: 23
        case .adaptiveDecay: 24
        case .samplers: 25
        case .logitBiases: 26
        case .seed: 27
        case .maximumTokens: 28
        case .maximumTime: 29
        case .stops: 30
        case .probabilities: 31
        case .reasoningBudget: 32
        case .constraint: 33
        }
    }
}
