import Llama
import MartletGrammar
import MartletProtocol

extension EngineLoop {
    /// Why no token could be chosen: the model's fault, if a token that the request allows had no usable logit.
    func noTokenToSample(_ sequence: EngineSequence) -> EngineError {
        var mask: UnsafeBufferPointer<UInt64>?
        if let matcher = sequence.matcher {
            if sequence.isOffGrammar {
                return EngineError(
                    .invalidRequest, "The tokens to be continued are not what the generation's grammar allows.")
            }
            if matcher.isOverflown {
                return EngineError(
                    .invalidRequest,
                    "The grammar is too ambiguous: following it takes more than its budget of threads or work.",
                    parameter: "grammar")
            }
            if isConstrained(sequence) { mask = matcher.mask() }
        }
        if sequence.sampler.leavesToken(of: loaded.vocabulary.count, allowedBy: mask) {
            return .unusableLogits(of: loaded.information)
        }
        if mask != nil {
            return EngineError(
                .invalidRequest, "After \(sequence.predictedCount) tokens no token is left that the grammar allows.")
        }
        return EngineError(
            .invalidRequest, "Field 'logit_bias': no token is left that may be sampled", parameter: "logit_bias")
    }

    func isConstrained(_ sequence: EngineSequence) -> Bool {
        sequence.matcher != nil && sequence.predictedCount >= sequence.settings.constraintStart
    }
}

extension EngineError {
    /// Logits or vectors that are no numbers: of a damaged file, or of a computation that overflowed.
    static func unusableLogits(of model: ModelInformation) -> Self {
        EngineError(
            .generationFailed,
            "The model \(model.fileName) computed no usable number (NaN or infinite): its file may be damaged.")
    }
}

extension ModelInformation {
    /// The last part of the path.
    fileprivate var fileName: String { path.split(separator: "/").last.map(String.init) ?? path }
}
