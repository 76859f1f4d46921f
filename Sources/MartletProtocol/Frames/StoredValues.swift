// Values in journals have the encoding of frames.
extension ByteWriter {
    /// Writes a request.
    package mutating func write(_ request: GenerationRequest) { request.write(to: &self) }

    /// Writes an event.
    package mutating func write(_ event: EngineEvent) { event.write(to: &self) }

    /// Writes the description of a model.
    package mutating func write(_ model: ModelInformation) { model.write(to: &self) }
}

extension ByteReader {
    /// Reads a request. Its ranges are not validated again.
    package mutating func readRequest() throws(FrameError) -> GenerationRequest {
        try GenerationRequest(from: &self)
    }

    /// Reads an event.
    package mutating func readEvent() throws(FrameError) -> EngineEvent { try EngineEvent(from: &self) }

    /// Reads the description of a model.
    package mutating func readModelInformation() throws(FrameError) -> ModelInformation {
        try ModelInformation(from: &self)
    }
}
