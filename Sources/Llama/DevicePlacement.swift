import CLlama
import MartletPlatform

/// The devices that store a model's weights, and exceptions for single tensors. The names are those of llama-server.
package struct DevicePlacement: Sendable, Equatable {
    /// How weights are divided among devices.
    package enum SplitMode: String, Sendable, CaseIterable {
        /// One device stores everything.
        case none
        /// Each device stores some layers.
        case layer
        /// Each device stores some rows of each matrix.
        case row
        case tensor

        fileprivate var raw: llama_split_mode {
            switch self {
            case .none: LLAMA_SPLIT_MODE_NONE
            case .layer: LLAMA_SPLIT_MODE_LAYER
            case .row: LLAMA_SPLIT_MODE_ROW
            case .tensor: LLAMA_SPLIT_MODE_TENSOR
            }
        }
    }

    /// A place for the tensors whose names a pattern matches.
    package struct TensorRule: Sendable, Equatable {
        /// A regular expression that is searched in names.
        package var pattern: String
        /// The name of a buffer type, e.g. `CPU` or `CUDA0`.
        package var bufferType: String

        /// Creates a rule.
        package init(pattern: String, bufferType: String) {
            self.pattern = pattern
            self.bufferType = bufferType
        }
    }

    /// The names of devices; `nil` = all, empty = none.
    package var devices: [String]?
    package var splitMode = SplitMode.layer
    /// The number of the device for `SplitMode.none` and for small tensors of `SplitMode.row`.
    package var mainDevice = 0
    /// The part of each device, in the devices' order; empty = by free memory.
    package var shares: [Float] = []
    package var tensorRules: [TensorRule] = []
    /// The number of layers, from the first on, whose experts stay on the CPU; `Int.max` = all.
    package var hostExpertLayerCount = 0
    /// The number of layers, from the first on, whose dense feed-forward networks stay on the CPU.
    package var hostNetworkLayerCount = 0

    /// Creates the placement of libllama: all devices, layers by free memory.
    package init() {}

    // The expressions of llama-server.
    private static let experts = #"\.ffn_(up|down|gate|gate_up)_(ch|)exps"#
    private static let networks = #"\.ffn_(up|down|gate)\."#

    /// All rules, those of the layer counts included. The first that matches counts.
    func rules(layerCount: Int) -> [TensorRule] {
        var rules = tensorRules
        if hostExpertLayerCount >= layerCount, hostExpertLayerCount > 0 {
            rules.append(TensorRule(pattern: Self.experts, bufferType: "CPU"))
        } else {
            for layer in 0..<max(0, hostExpertLayerCount) {
                rules.append(TensorRule(pattern: "blk\\.\(layer)\(Self.experts)", bufferType: "CPU"))
            }
        }
        for layer in 0..<max(0, min(hostNetworkLayerCount, layerCount)) {
            rules.append(TensorRule(pattern: "blk\\.\(layer)\(Self.networks)", bufferType: "CPU"))
        }
        return rules
    }

    /// The devices of libllama by name, the CPU left out.
    package static var available: [LlamaSystem.Device] { LlamaSystem.devices.filter { !$0.isCPU } }

    /// The devices that this placement uses, in its order.
    ///
    /// - Throws: an error that lists the devices that are there.
    package func chosenDevices() throws(LlamaError) -> [LlamaSystem.Device] {
        let all = Self.available
        guard let devices else { return all.filter(\.isGPU) }
        return try devices.map { name throws(LlamaError) in
            guard let device = all.first(where: { $0.name == name }) else {
                let names = all.map(\.name).joined(separator: ", ")
                throw LlamaError(
                    .loadFailed,
                    "--device: there is no device '\(name)'; "
                        + (all.isEmpty ? "libllama finds none beside the CPU." : "the devices are \(names)."))
            }
            return device
        }
    }

    /// Checks the placement against the devices that are there and the tensors of the model.
    ///
    /// - Throws: an error that names the flag, the rule and the value.
    package func check(_ tensors: [String]) throws(LlamaError) {
        let chosen = try chosenDevices()
        guard shares.isEmpty || shares.count == chosen.count else {
            throw LlamaError(
                .loadFailed,
                "--tensor-split has \(shares.count) numbers, and \(chosen.count) devices are used"
                    + (chosen.isEmpty ? "." : " (\(chosen.map(\.name).joined(separator: ", ")))."))
        }
        guard mainDevice == 0 || mainDevice < chosen.count else {
            throw LlamaError(
                .loadFailed,
                "--main-gpu must be below the number of devices, which is \(chosen.count), not \(mainDevice).")
        }
        try checkSplitMode(of: chosen)
        for rule in tensorRules {
            guard let expression = try? Regex(rule.pattern) else {
                throw LlamaError(.loadFailed, "--override-tensor: '\(rule.pattern)' is no regular expression.")
            }
            guard Self.bufferType(named: rule.bufferType) != nil else {
                throw LlamaError(
                    .loadFailed,
                    "--override-tensor: there is no buffer type '\(rule.bufferType)'; the types are "
                        + "\(Self.bufferTypeNames.joined(separator: ", ")).")
            }
            guard tensors.contains(where: { $0.firstMatch(of: expression) != nil }) else {
                throw LlamaError(.loadFailed, "--override-tensor: '\(rule.pattern)' matches no tensor of the model.")
            }
        }
    }

    /// Checks whether this build of libllama can divide a model in this way.
    private func checkSplitMode(of chosen: [LlamaSystem.Device]) throws(LlamaError) {
        switch splitMode {
        case .none, .layer: return
        case .row:
            for device in chosen where !Self.dividesRows(device.name) {
                throw LlamaError(
                    .loadFailed,
                    "--split-mode row: the backend of \(device.name) does not divide matrices by rows; use 'layer'.")
            }
        case .tensor:
            guard chosen.isEmpty else { return }
            throw LlamaError(
                .loadFailed,
                "--split-mode tensor needs a device, and none is used beside the CPU; use 'layer'.")
        }
    }

    /// Whether the backend of a device has buffers for matrices that are divided by rows.
    private static func dividesRows(_ name: String) -> Bool {
        guard let device = ggml_backend_dev_by_name(name), let registry = ggml_backend_dev_backend_reg(device) else {
            return false
        }
        return ggml_backend_reg_get_proc_address(registry, "ggml_backend_split_buffer_type") != nil
    }

    // MARK: Buffer types

    private static var bufferTypes: [(name: String, type: ggml_backend_buffer_type_t)] {
        (0..<ggml_backend_dev_count()).compactMap { index in
            guard let device = ggml_backend_dev_get(index), let type = ggml_backend_dev_buffer_type(device),
                let name = ggml_backend_buft_name(type)
            else { return nil }
            return (String(cString: name), type)
        }
    }

    static var bufferTypeNames: [String] { bufferTypes.map(\.name) }

    static func bufferType(named name: String) -> ggml_backend_buffer_type_t? {
        bufferTypes.first { $0.name == name }?.type
    }
}

extension DevicePlacement {
    /// Sets the parameters of a load and calls `body` with them. The pointers in the parameters are valid within the call.
    ///
    /// - Precondition: `check` has succeeded.
    func withParameters<Result>(
        _ parameters: llama_model_params, layerCount: Int, _ body: (llama_model_params) -> Result
    ) -> Result {
        var parameters = parameters
        parameters.split_mode = splitMode.raw
        parameters.main_gpu = Int32(mainDevice)
        // libllama reads llama_max_devices() shares.
        var shares = shares
        if !shares.isEmpty { shares += [Float](repeating: 0, count: max(0, llama_max_devices() - shares.count)) }
        var list: [ggml_backend_dev_t?] = (devices ?? []).map { ggml_backend_dev_by_name($0) } + [nil]
        let chosen = rules(layerCount: layerCount)
        let patterns = chosen.map { strdup($0.pattern) }
        defer { for pattern in patterns { free(pattern) } }
        var overrides = zip(patterns, chosen).map { pattern, rule in
            llama_model_tensor_buft_override(
                pattern: UnsafePointer(pattern), buft: Self.bufferType(named: rule.bufferType))
        }
        overrides.append(llama_model_tensor_buft_override(pattern: nil, buft: nil))
        return shares.withUnsafeBufferPointer { shares in
            list.withUnsafeMutableBufferPointer { list in
                overrides.withUnsafeBufferPointer { overrides in
                    if !shares.isEmpty { parameters.tensor_split = shares.baseAddress }
                    if devices != nil { parameters.devices = list.baseAddress }
                    if !chosen.isEmpty { parameters.tensor_buft_overrides = overrides.baseAddress }
                    return body(parameters)
                }
            }
        }
    }
}
