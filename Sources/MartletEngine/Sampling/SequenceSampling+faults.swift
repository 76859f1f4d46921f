import Llama
import MartletGrammar
import MartletProtocol

extension SequenceSampling {
    /// The error if no token can be sampled. It blames the model if a token that the request allows has no usable
    /// logit, and the request otherwise.
    func noTokenToSample(_ sequence: EngineSequence) -> EngineError {
        var mask: UnsafeBufferPointer<UInt64>?
        if let matcher = sequence.matcher {
            if sequence.isOffGrammar {
                return EngineError(
                    .invalidRequest, "The grammar of the generation does not allow the tokens to be continued.")
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
    /// The error for logits or vectors that are not numbers: the file is damaged, or a computation overflowed.
    static func unusableLogits(of model: ModelInformation) -> Self {
        EngineError(
            .generationFailed,
            "The model \(model.fileName) computed no usable number (NaN or infinite): its file may be damaged.")
    }
}

extension ModelInformation {
    /// The last component of the path, without folders.
    fileprivate var fileName: String { path.split(separator: "/").last.map(String.init) ?? path }
}
