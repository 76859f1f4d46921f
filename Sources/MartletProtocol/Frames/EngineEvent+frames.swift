extension EngineEvent: FrameField {
    private enum KindNumber: UInt8 {
        case admitted = 0
        case started = 1
        case promptProgress = 2
        case token = 3
        case finished = 4
        case failed = 5
        case controlled = 6
        case promptLogprobs = 7
    }

    static var minimumByteCount: Int { 3 }

    func write(to writer: inout ByteWriter) {
        writer.write(handle.rawValue)
        switch kind {
        case .admitted(let promptTokens):
            writer.write(KindNumber.admitted.rawValue)
            writer.write(promptTokens)
        case .started(let slot, let cachedTokens):
            writer.write(KindNumber.started.rawValue)
            writer.write(slot)
            writer.write(cachedTokens)
        case .promptProgress(let progress):
            writer.write(KindNumber.promptProgress.rawValue)
            writer.write(progress.total)
            writer.write(progress.cached)
            writer.write(progress.processed)
            writer.write(progress.elapsed)
            writer.write(progress.slot)
            writer.write(progress.queuePosition)
        case .promptLogprobs(let first):
            writer.write(KindNumber.promptLogprobs.rawValue)
            writer.write(first)
            writer.write(probabilities)
        case .token(let id, let text):
            writer.write(KindNumber.token.rawValue)
            writer.write(id)
            writer.write(text)
            writer.write(probabilities)
            writer.write(tokenTimings != nil)
            if let tokenTimings {
                writer.write(tokenTimings.slot)
                tokenTimings.timings.write(to: &writer)
            }
        case .finished(let summary, let text):
            writer.write(KindNumber.finished.rawValue)
            summary.write(to: &writer)
            writer.write(text)
            writer.write(probabilities)
        case .failed(let error):
            writer.write(KindNumber.failed.rawValue)
            error.write(to: &writer)
        case .controlled(let number, let result):
            writer.write(KindNumber.controlled.rawValue)
            writer.write(number.rawValue)
            result.write(to: &writer)
        }
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        let handle = GenerationHandle(rawValue: try reader.readUInt64())
        let number = try reader.readByte()
        guard let kind = KindNumber(rawValue: number) else { throw .unknownCase(of: "event", number: number) }
        switch kind {
        case .admitted:
            self.init(handle, .admitted(promptTokens: try reader.readInt()))
        case .started:
            self.init(handle, .started(slot: try reader.readInt(), cachedTokens: try reader.readInt()))
        case .promptProgress:
            var progress = PromptProgress(
                total: try reader.readInt(), cached: try reader.readInt(), processed: try reader.readInt(),
                elapsed: try reader.readDuration())
            progress.slot = try reader.readInt()
            progress.queuePosition = try reader.readOptionalInt()
            self.init(handle, .promptProgress(progress))
        case .promptLogprobs:
            self.init(handle, .promptLogprobs(first: try reader.readInt()))
            probabilities = try reader.readFields(TokenProbabilities.self)
        case .token:
            self.init(handle, .token(id: try reader.readInt32(), text: try reader.readSlice()))
            probabilities = try reader.readFields(TokenProbabilities.self)
            tokenTimings = try reader.readOptional { reader throws(FrameError) in
                TokenTimings(slot: try reader.readInt(), timings: try Timings(from: &reader))
            }
        case .finished:
            self.init(handle, .finished(try GenerationSummary(from: &reader), text: try reader.readSlice()))
            probabilities = try reader.readFields(TokenProbabilities.self)
        case .failed:
            self.init(handle, .failed(try EngineError(from: &reader)))
        case .controlled:
            let number = CommandNumber(rawValue: try reader.readUInt64())
            self.init(handle, .controlled(number, try ControlResult(from: &reader)))
        }
    }
}

extension GenerationSummary: FrameField {
    static var minimumByteCount: Int { 24 }

    func write(to writer: inout ByteWriter) {
        switch reason {
        case .endOfGeneration: writer.write(UInt8(0))
        case .stopText(let text):
            writer.write(UInt8(1))
            writer.write(text)
        case .tokenLimit: writer.write(UInt8(2))
        case .timeLimit: writer.write(UInt8(3))
        case .contextFull: writer.write(UInt8(4))
        case .cancelled: writer.write(UInt8(5))
        case .indentation: writer.write(UInt8(6))
        case .stopped(let reason):
            writer.write(UInt8(7))
            writer.write(reason)
        }
        timings.write(to: &writer)
        writer.write(slot)
        writer.write(kvCacheTokens)
        writer.write(isTruncated)
        writer.write(hasLineBreak)
        writer.write(cacheReport != nil)
        cacheReport?.write(to: &writer)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        let number = try reader.readByte()
        let reason: Reason =
            switch number {
            case 0: .endOfGeneration
            case 1: .stopText(try reader.readString())
            case 2: .tokenLimit
            case 3: .timeLimit
            case 4: .contextFull
            case 5: .cancelled
            case 6: .indentation
            case 7: .stopped(try reader.readOptionalString())
            default: throw .unknownCase(of: "reason to end", number: number)
            }
        self.init(reason: reason, timings: try Timings(from: &reader))
        slot = try reader.readOptionalInt()
        kvCacheTokens = try reader.readInt()
        isTruncated = try reader.readBool()
        hasLineBreak = try reader.readBool()
        cacheReport = try reader.readOptional { reader throws(FrameError) in try CacheReport(from: &reader) }
    }
}

extension Timings: FrameField {
    static var minimumByteCount: Int { 16 }

    func write(to writer: inout ByteWriter) {
        writer.write(promptTokens)
        writer.write(cachedTokens)
        writer.write(restoredTokens.ram)
        writer.write(restoredTokens.disk)
        writer.write(predictedTokens)
        writer.write(reasoningTokens)
        writer.write(draftedTokens)
        writer.write(acceptedDraftTokens)
        writer.write(queueTime)
        writer.write(promptTime)
        writer.write(predictedTime)
        writer.write(samplingTime)
        writer.write(grammarTime)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        self.init()
        promptTokens = try reader.readInt()
        cachedTokens = try reader.readInt()
        restoredTokens.ram = try reader.readInt()
        restoredTokens.disk = try reader.readInt()
        predictedTokens = try reader.readInt()
        reasoningTokens = try reader.readInt()
        draftedTokens = try reader.readInt()
        acceptedDraftTokens = try reader.readInt()
        queueTime = try reader.readDuration()
        promptTime = try reader.readDuration()
        predictedTime = try reader.readDuration()
        samplingTime = try reader.readDuration()
        grammarTime = try reader.readDuration()
    }
}

extension EngineError: FrameField {
    static var minimumByteCount: Int { 5 }

    func write(to writer: inout ByteWriter) {
        writer.write(code.rawValue)
        writer.write(message)
        writer.write(parameter)
        writer.write(promptTokens)
        writer.write(contextSize)
    }

    init(from reader: inout ByteReader) throws(FrameError) {
        let number = try reader.readByte()
        guard let code = Code(rawValue: number) else { throw .unknownCase(of: "error code", number: number) }
        self.init(
            code, try reader.readString(),
            parameter: try reader.readOptionalString(),
            promptTokens: try reader.readOptionalInt(),
            contextSize: try reader.readOptionalInt())
    }
}
