import Llama

/// The way in which the memory of a model can go back to an earlier position.
enum MemoryKind: Sendable, Equatable {
    /// Attention over all tokens: a prefix can be continued at any position.
    case attention
    /// Some layers attend to the last `window` tokens only, and older cells are lost: a prefix can be continued at a
    /// position whose window still exists.
    case slidingWindow(Int)
    /// Some layers have a running state (recurrent and hybrid models): a prefix can be continued at its end only.
    case recurrent

    /// The kind of a loaded model.
    ///
    /// - Parameter keepsFullWindow: whether layers with a sliding window store all tokens.
    init(of model: Model, keepsFullWindow: Bool) {
        if model.hasRecurrentState {
            self = .recurrent
        } else if model.slidingWindow > 0, !keepsFullWindow {
            self = .slidingWindow(model.slidingWindow)
        } else {
            self = .attention
        }
    }

    /// Whether a copy of an entry can be cut to any of its positions.
    var canCutAnywhere: Bool { self == .attention }
}
