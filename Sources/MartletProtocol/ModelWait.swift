/// The wait of a generation for its model, while the model is fetched or loaded.
///
/// The edge makes it; engines know nothing of it. Example: a request for a model that does not fit yet is `queued`, then
/// `loading` with a fraction from 0 to 1.
package struct ModelWait: Sendable, Equatable {
    /// The work on the model, in order.
    package enum Stage: Int, Sendable, CaseIterable {
        /// Another model must go first, or a worker has not begun.
        case queued = 0
        case downloading = 1
        case loading = 2
    }
    package var stage: Stage
    /// The finished part of the download or of the load, in ten-thousandths. It never goes back within a stage.
    package var parts: Int

    /// Makes a wait.
    /// - Parameter fraction: the finished part, 0 to 1.
    package init(_ stage: Stage, fraction: Double = 0) {
        self.stage = stage
        parts = fraction.isFinite ? Int((min(max(fraction, 0), 1) * 10_000).rounded()) : 0
    }

    /// The finished part, 0 to 1.
    package var fraction: Double { Double(parts) / 10_000 }
}
