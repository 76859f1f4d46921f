import CLlama

/// The samplers of libllama, as a reference for those of the engine.
package struct SamplerChain: ~Copyable {
    /// One sampler with its parameters.
    package enum Stage: Sendable {
        /// Penalties over the tokens of `window`.
        case penalties(window: [Int32], repeatPenalty: Float, frequency: Float, presence: Float)
        case dry(
            history: [Int32], multiplier: Float, base: Float, allowedLength: Int32, lastN: Int32, breakers: [String],
            vocabulary: Vocabulary)
        case logitBias([(token: Int32, bias: Float)])
        case topNSigma(Float)
        case topK(Int32)
        case typical(Float, minKeep: Int)
        case topP(Float, minKeep: Int = 0)
        case minP(Float, minKeep: Int = 0)
        case xtc(Float, threshold: Float, minKeep: Int)
        case temperature(Float, range: Float = 0, exponent: Float = 1)
        // Each of these stages samples, so it must be the last.
        case mirostat(tau: Float, eta: Float)
        case mirostat2(tau: Float, eta: Float)
        case adaptiveP(target: Float, decay: Float)
        case sample
    }

    private let pointer: UnsafeMutablePointer<llama_sampler>
    private let vocabularySize: Int32

    /// Creates a chain.
    ///
    /// - Parameter stages: the last stage samples.
    package init(_ stages: [Stage], vocabularySize: Int) throws(LlamaError) {
        self.vocabularySize = Int32(vocabularySize)
        guard let pointer = llama_sampler_chain_init(llama_sampler_chain_default_params()) else {
            throw LlamaError(.outOfMemory, "A sampler chain cannot be made.")
        }
        self.pointer = pointer
        for stage in stages { add(stage) }
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
        case .dry(let history, let multiplier, let base, let allowed, let lastN, let breakers, let vocabulary):
            let texts = breakers.map { Array($0.utf8CString) }
            let starts = texts.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
            Array(texts.joined()).withUnsafeBufferPointer { bytes in
                var pointers = starts.dropLast().map { start in bytes.baseAddress.map { $0 + start } }
                let sampler = llama_sampler_init_dry(
                    llama_model_get_vocab(vocabulary.model.pointer), multiplier, base, allowed, lastN, &pointers,
                    pointers.count)
                for token in history { llama_sampler_accept(sampler, token) }
                add(sampler)
            }
        case .logitBias(let biases):
            let values = biases.map { llama_logit_bias(token: $0.token, bias: $0.bias) }
            add(llama_sampler_init_logit_bias(vocabularySize, Int32(values.count), values))
        case .topNSigma(let deviations): add(llama_sampler_init_top_n_sigma(deviations))
        case .topK(let count): add(llama_sampler_init_top_k(count))
        case .typical(let share, let minKeep): add(llama_sampler_init_typical(share, minKeep))
        case .topP(let share, let minKeep): add(llama_sampler_init_top_p(share, minKeep))
        case .minP(let share, let minKeep): add(llama_sampler_init_min_p(share, minKeep))
        case .xtc(let share, let threshold, let minKeep):
            add(llama_sampler_init_xtc(share, threshold, minKeep, 1))
        case .temperature(let temperature, let range, let exponent):
            add(llama_sampler_init_temp_ext(temperature, range, exponent))
        case .mirostat(let tau, let eta): add(llama_sampler_init_mirostat(vocabularySize, 1, tau, eta, 100))
        case .mirostat2(let tau, let eta): add(llama_sampler_init_mirostat_v2(1, tau, eta))
        case .adaptiveP(let target, let decay): add(llama_sampler_init_adaptive_p(target, decay, 1))
        case .sample: add(llama_sampler_init_dist(0))
        }
    }

    /// The tokens that remain after all stages, with their probabilities.
    package mutating func candidates(of logits: [Float]) -> [Int32: Float] { step(logits).candidates }

    /// Samples a token, updates every stage, and returns the token with the tokens that remained.
    package mutating func step(_ logits: [Float]) -> (token: Int32, candidates: [Int32: Float]) {
        var data = logits.indices.map { llama_token_data(id: Int32($0), logit: logits[$0], p: 0) }
        return data.withUnsafeMutableBufferPointer { buffer in
            var array = llama_token_data_array(
                data: buffer.baseAddress, size: buffer.count, selected: -1, sorted: false)
            llama_sampler_apply(pointer, &array)
            let survivors = UnsafeBufferPointer(start: array.data, count: array.size)
            let token = array.selected >= 0 ? survivors[Int(array.selected)].id : -1
            llama_sampler_accept(pointer, token)
            return (token, Dictionary(uniqueKeysWithValues: survivors.map { ($0.id, $0.p) }))
        }
    }
}
