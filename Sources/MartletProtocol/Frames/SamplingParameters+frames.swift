extension SamplingParameters: FrameField {
    static var minimumByteCount: Int { 1 }

    func write(to writer: inout ByteWriter) {
        writer.write(repeatLastN)
        writer.write(repeatPenalty)
        writer.write(frequencyPenalty)
        writer.write(presencePenalty)
        writer.write(topK)
        writer.write(topP)
        writer.write(minP)
        writer.write(temperature)
        writer.write(dynamicTemperatureRange)
        writer.write(dynamicTemperatureExponent)
        writer.write(topNSigma)
        writer.write(typicalP)
        writer.write(xtcProbability)
        writer.write(xtcThreshold)
        dry.write(to: &writer)
        writer.write(mirostat.rawValue)
        writer.write(mirostatTau)
        writer.write(mirostatEta)
        writer.write(adaptiveTarget)
        writer.write(adaptiveDecay)
        writer.write(minKeep)
        writer.write(samplers)
        writer.write(logitBiases)
        writer.write(seed)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        self.init()
        repeatLastN = try reader.readInt()
        repeatPenalty = try reader.readFloat()
        frequencyPenalty = try reader.readFloat()
        presencePenalty = try reader.readFloat()
        topK = try reader.readInt()
        topP = try reader.readFloat()
        minP = try reader.readFloat()
        temperature = try reader.readFloat()
        dynamicTemperatureRange = try reader.readFloat()
        dynamicTemperatureExponent = try reader.readFloat()
        topNSigma = try reader.readFloat()
        typicalP = try reader.readFloat()
        xtcProbability = try reader.readFloat()
        xtcThreshold = try reader.readFloat()
        dry = try DryParameters(from: &reader)
        mirostat = try reader.readCase("kind of mirostat")
        mirostatTau = try reader.readFloat()
        mirostatEta = try reader.readFloat()
        adaptiveTarget = try reader.readFloat()
        adaptiveDecay = try reader.readFloat()
        minKeep = try reader.readInt()
        samplers = try reader.readFields(SamplerKind.self)
        logitBiases = try reader.readFields(LogitBias.self)
        seed = try reader.readUInt64()
    }
}

extension DryParameters: FrameField {
    static var minimumByteCount: Int { 1 }

    func write(to writer: inout ByteWriter) {
        writer.write(multiplier)
        writer.write(base)
        writer.write(allowedLength)
        writer.write(lastN)
        writer.write(sequenceBreakers)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        self.init()
        multiplier = try reader.readFloat()
        base = try reader.readFloat()
        allowedLength = try reader.readInt()
        lastN = try reader.readInt()
        sequenceBreakers = try reader.readStrings()
    }
}

extension SamplerKind: FrameField {
    static var minimumByteCount: Int { 1 }

    func write(to writer: inout ByteWriter) { writer.write(rawValue) }

    init(from reader: inout ByteReader) throws(FrameError) { self = try reader.readCase("sampler") }
}

extension LogitBias: FrameField {
    static var minimumByteCount: Int { 6 }

    func write(to writer: inout ByteWriter) {
        switch target {
        case .token(let id):
            writer.write(UInt8(0))
            writer.write(id)
        case .text(let text):
            writer.write(UInt8(1))
            writer.write(text)
        }
        writer.write(bias)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        let number = try reader.readByte()
        switch number {
        case 0: self.init(.token(try reader.readInt32()), bias: try reader.readFloat())
        case 1: self.init(.text(try reader.readString()), bias: try reader.readFloat())
        default: throw .unknownCase(of: "target of a bias", number: number)
        }
    }
}

extension ByteReader {
    /// Reads a case of an enumeration from one byte.
    mutating func readCase<Case: RawRepresentable<UInt8>>(_ name: FrameError.StaticName) throws(FrameError) -> Case {
        let number = try readByte()
        guard let value = Case(rawValue: number) else { throw .unknownCase(of: name, number: number) }
        return value
    }
}
