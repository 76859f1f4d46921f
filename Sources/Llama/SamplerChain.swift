import CLlama

/// libllama's own samplers, as the reference for those of the engine.
package struct SamplerChain: ~Copyable {
    package enum Stage: Sendable {
        /// The last tokens are those of `window`.
        case penalties(window: [Int32], repeatPenalty: Float, frequency: Float, presence: Float)
        case topK(Int32)
        case topP(Float)
        case minP(Float)
        case temperature(Float)
    }

    private let pointer: UnsafeMutablePointer<llama_sampler>
    private let vocabularySize: Int32

    package init(_ stages: [Stage], vocabularySize: Int) throws(LlamaError) {
        self.vocabularySize = Int32(vocabularySize)
        guard let pointer = llama_sampler_chain_init(llama_sampler_chain_default_params()) else {
            throw LlamaError(.outOfMemory, "A sampler chain cannot be made.")
        }
        self.pointer = pointer
        for stage in stages { add(stage) }
        add(llama_sampler_init_dist(0))
    }

    deinit {
        llama_sampler_free(pointer)
    }

    private func add(_ sampler: UnsafeMutablePointer<llama_sampler>?) {
        llama_sampler_chain_add(pointer, sampler)
    }

    private func add(_ stage: Stage) {
        switch stage {
        case .penalties(let window, let repeatPenalty, let frequency, let presence):
            let sampler = llama_sampler_init_penalties(
                vocabularySize, Int32(window.count), repeatPenalty, frequency, presence)
            for token in window { llama_sampler_accept(sampler, token) }
            add(sampler)
        case .topK(let count): add(llama_sampler_init_top_k(count))
        case .topP(let share): add(llama_sampler_init_top_p(share, 0))
        case .minP(let share): add(llama_sampler_init_min_p(share, 0))
        case .temperature(let temperature): add(llama_sampler_init_temp(temperature))
        }
    }

    /// The tokens that survive all stages, with their probabilities.
    package mutating func candidates(of logits: [Float]) -> [Int32: Float] {
        var data = logits.indices.map { llama_token_data(id: Int32($0), logit: logits[$0], p: 0) }
        return data.withUnsafeMutableBufferPointer { buffer in
            var array = llama_token_data_array(
                data: buffer.baseAddress, size: buffer.count, selected: -1, sorted: false)
            llama_sampler_apply(pointer, &array)
            let survivors = UnsafeBufferPointer(start: array.data, count: array.size)
            return Dictionary(uniqueKeysWithValues: survivors.map { ($0.id, $0.p) })
        }
    }
}
