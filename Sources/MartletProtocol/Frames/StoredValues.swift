/// Values in files: as they are in frames.
extension ByteWriter {
    package mutating func write(_ request: GenerationRequest) { request.write(to: &self) }

    package mutating func write(_ event: EngineEvent) { event.write(to: &self) }

    package mutating func write(_ model: ModelInformation) { model.write(to: &self) }
}

extension ByteReader {
    package mutating func readRequest() throws(FrameError) -> GenerationRequest {
        try GenerationRequest(from: &self)
    }

    package mutating func readEvent() throws(FrameError) -> EngineEvent { try EngineEvent(from: &self) }

    package mutating func readModelInformation() throws(FrameError) -> ModelInformation {
        try ModelInformation(from: &self)
    }
}
