extension EngineState: FrameField {
    static var minimumByteCount: Int { 2 }

    func write(to writer: inout ByteWriter) {
        switch self {
        case .loading(let progress):
            writer.write(UInt8(0))
            writer.write(progress.stage.rawValue)
            writer.write(progress.fraction)
        case .ready(let information):
            writer.write(UInt8(1))
            information.write(to: &writer)
        case .restarting(let error):
            writer.write(UInt8(2))
            error.write(to: &writer)
        case .failed(let error):
            writer.write(UInt8(3))
            error.write(to: &writer)
        }
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        let number = try reader.readByte()
        switch number {
        case 0: self = .loading(try LoadProgress(from: &reader))
        case 1: self = .ready(try ModelInformation(from: &reader))
        case 2: self = .restarting(try EngineError(from: &reader))
        case 3: self = .failed(try EngineError(from: &reader))
        default: throw .unknownCase(of: "engine state", number: number)
        }
    }
}

extension LoadProgress {
    fileprivate init(from reader: inout ByteReader) throws(FrameError) {
        let number = try reader.readByte()
        guard let stage = Stage(rawValue: number) else { throw .unknownCase(of: "stage of loading", number: number) }
        let fraction = try reader.readDouble()
        guard fraction >= 0, fraction <= 1 else { throw .invalidValue("fraction") }
        self.init(stage: stage, fraction: fraction)
    }
}

extension ModelInformation: FrameField {
    static var minimumByteCount: Int { 24 }

    func write(to writer: inout ByteWriter) {
        writer.write(path)
        writer.write(name)
        writer.write(summary)
        writer.write(fileType)
        writer.write(parameterCount)
        writer.write(byteCount)
        writer.write(vocabularyKind)
        writer.write(vocabularySize)
        writer.write(embeddingLength)
        writer.write(trainedContextLength)
        writer.write(contextLength)
        writer.write(sequenceContextLength)
        writer.write(sequenceCount)
        writer.write(chatTemplate)
        writer.write(toolUseChatTemplate)
        writer.write(beginningToken)
        writer.write(endToken)
        writer.write(endOfGenerationTokens)
        writer.write(loadTime)
        writer.write(embeddingPooling != nil)
        if let embeddingPooling { writer.write(embeddingPooling.rawValue) }
        writer.write(adapters)
        writer.write(rerankFormat != nil)
        rerankFormat?.write(to: &writer)
        writer.write(infillTokens.numbers)
        writer.write(batchSize)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        self.init()
        path = try reader.readString()
        name = try reader.readOptionalString()
        summary = try reader.readString()
        fileType = try reader.readString()
        parameterCount = try reader.readUInt64()
        byteCount = try reader.readUInt64()
        vocabularyKind = try reader.readInt32()
        vocabularySize = try reader.readInt()
        embeddingLength = try reader.readInt()
        trainedContextLength = try reader.readInt()
        contextLength = try reader.readInt()
        sequenceContextLength = try reader.readInt()
        sequenceCount = try reader.readInt()
        chatTemplate = try reader.readOptionalString()
        toolUseChatTemplate = try reader.readOptionalString()
        beginningToken = try reader.readString()
        endToken = try reader.readString()
        endOfGenerationTokens = try reader.readInt32s()
        loadTime = try reader.readDuration()
        embeddingPooling = try reader.readOptional { reader throws(FrameError) in
            let number = try reader.readByte()
            guard let pooling = EmbeddingPooling(rawValue: number) else {
                throw .unknownCase(of: "pooling", number: number)
            }
            return pooling
        }
        adapters = try reader.readFields(AdapterInformation.self)
        rerankFormat = try reader.readOptional { reader throws(FrameError) in try RerankFormat(from: &reader) }
        infillTokens.numbers = try reader.readInt32s()
        batchSize = try reader.readInt()
    }
}

extension RerankFormat {
    fileprivate func write(to writer: inout ByteWriter) {
        writer.write(template)
        writer.write(before)
        writer.write(between)
        writer.write(after)
    }

    fileprivate init(from reader: inout ByteReader) throws(FrameError) {
        self.init()
        template = try reader.readOptionalString()
        before = try reader.readInt32s()
        between = try reader.readInt32s()
        after = try reader.readInt32s()
    }
}

extension AdapterInformation: FrameField {
    static var minimumByteCount: Int { 7 }

    func write(to writer: inout ByteWriter) {
        writer.write(path)
        writer.write(scale)
        writer.write(taskName)
        writer.write(promptPrefix)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        self.init(path: try reader.readString(), scale: try reader.readFloat())
        taskName = try reader.readString()
        promptPrefix = try reader.readString()
    }
}

extension TokenPiece: FrameField {
    static var minimumByteCount: Int { 2 }

    func write(to writer: inout ByteWriter) {
        writer.write(id)
        writer.write(bytes)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        self.init(id: try reader.readInt32(), bytes: Array(try reader.readSlice()))
    }
}
