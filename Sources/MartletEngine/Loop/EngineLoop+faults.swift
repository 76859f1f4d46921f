import Llama
import MartletGrammar
import MartletProtocol

extension EngineLoop {
    /// Why no token could be chosen: the model's fault, if a token that the request allows had no usable score.
    func nothingToDraw(_ generation: Generation) -> EngineError {
        var mask: UnsafeBufferPointer<UInt64>?
        if let matcher = generation.matcher {
            if generation.isAstray {
                return EngineError(
                    .invalidRequest, "The tokens to be continued are not what the generation's grammar allows.")
            }
            if matcher.isOverflown {
                return EngineError(
                    .invalidRequest,
                    "The grammar is too ambiguous: following it takes more than its budget of threads or work.",
                    parameter: "grammar")
            }
            if isConstrained(generation) { mask = matcher.mask() }
        }
        if generation.sampler.leavesToken(of: loaded.vocabulary.count, allowedBy: mask) {
            return .unusableScores(of: loaded.information)
        }
        if mask != nil {
            return EngineError(
                .invalidRequest, "After \(generation.predicted) tokens no token is left that the grammar allows.")
        }
        return EngineError(
            .invalidRequest, "Field 'logit_bias': no token is left that may be drawn", parameter: "logit_bias")
    }

    func isConstrained(_ generation: Generation) -> Bool {
        generation.matcher != nil && generation.predicted >= generation.settings.constraintStart
    }
}

extension EngineError {
    /// Scores or vectors that are no numbers: of a damaged file, or of a computation that overflowed.
    static func unusableScores(of model: ModelInformation) -> Self {
        EngineError(
            .generationFailed,
            "The model \(model.fileName) computed no usable number (NaN or infinite): its file may be damaged.")
    }
}

extension ModelInformation {
    /// The last part of the path.
    fileprivate var fileName: String { path.split(separator: "/").last.map(String.init) ?? path }
}
