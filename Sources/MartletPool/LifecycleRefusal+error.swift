package import MartletModels
package import MartletStreams

extension GenerationError {
    /// A refusal of the policy.
    /// - Parameter largestContext: the largest context that would fit; 0 = none, nil = not known.
    package init(_ refusal: LifecycleRefusal, largestContext: Int? = nil) {
        let advice =
            switch largestContext {
            case nil: "a smaller --ctx-size needs less"
            case 0?: "no context would fit"
            case let length?: "the largest context that fits is --ctx-size \(length)"
            }
        switch refusal {
        case .tooLarge(let needed, let capacity):
            self.init(
                .notSupported,
                "The model needs \(Self.mebibytes(needed)) of memory, but all models together may use "
                    + "\(Self.mebibytes(capacity)); \(advice)", field: "model")
            code = "model_too_large"
        case .tooLargeBesidePinned(let needed, let free):
            self.init(
                .notSupported,
                "The model needs \(Self.mebibytes(needed)) of memory, but the pinned models that are loaded leave "
                    + "\(Self.mebibytes(free)); \(advice)", field: "model")
            code = "model_too_large"
        case .tooMany(let limit):
            self.init(
                .notSupported,
                "\(limit == 1 ? "1 model" : "\(limit) models") may be loaded (--models-max), and the loaded models are pinned",
                field: "model")
            code = "model_limit_reached"
        case .failed(let reason):
            self.init(.failed, "The model cannot be loaded: \(reason)", field: "model")
            code = "model_failed"
        case .notLoaded:
            // llama-server's status, too: a repetition without a load would fail again.
            self.init(.invalidRequest, "The model is not loaded, and the request does not load it", field: "model")
            code = "model_not_loaded"
        case .absent:
            self.init(.notFound, "The model has no file on this machine", field: "model")
            code = "model_absent"
        case .unloaded:
            self.init(.unavailable, "The model was unloaded", field: "model")
            code = "model_unloaded"
        }
    }

    /// Host memory first, then each device.
    private static func mebibytes(_ amount: MemoryAmount) -> String {
        amount.bytes.map { "\($0 >> 20) MiB" }.joined(separator: " + ")
    }
}
