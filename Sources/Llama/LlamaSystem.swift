import CLlama

/// The devices and processor features that libllama finds on this machine.
package enum LlamaSystem {
    /// A compute device, such as a GPU.
    package struct Device: Sendable, Equatable {
        package var name: String
        package var description: String
        package var isGPU: Bool
        package var isCPU: Bool
        package var freeByteCount: UInt64
        package var totalByteCount: UInt64

        package init(
            name: String, description: String, isGPU: Bool, isCPU: Bool = false, freeByteCount: UInt64,
            totalByteCount: UInt64
        ) {
            self.name = name
            self.description = description
            self.isGPU = isGPU
            self.isCPU = isCPU
            self.freeByteCount = freeByteCount
            self.totalByteCount = totalByteCount
        }
    }

    /// The features of the processor and of the build of libllama, in libllama's spelling.
    package static var features: [String] {
        guard let text = llama_print_system_info() else { return [] }
        return String(cString: text).split { $0 == "|" || $0 == ":" }.compactMap { part in
            let words = part.split(separator: " ")
            return words.count == 3 && words[1] == "=" && words[2] != "0" ? String(words[0]) : nil
        }
    }

    package static var devices: [Device] {
        (0..<ggml_backend_dev_count()).compactMap { index in
            guard let device = ggml_backend_dev_get(index) else { return nil }
            var free = 0
            var total = 0
            ggml_backend_dev_memory(device, &free, &total)
            let type = ggml_backend_dev_type(device)
            return Device(
                name: ggml_backend_dev_name(device).map { String(cString: $0) } ?? "",
                description: ggml_backend_dev_description(device).map { String(cString: $0) } ?? "",
                isGPU: type == GGML_BACKEND_DEVICE_TYPE_GPU || type == GGML_BACKEND_DEVICE_TYPE_IGPU,
                isCPU: type == GGML_BACKEND_DEVICE_TYPE_CPU,
                freeByteCount: UInt64(free), totalByteCount: UInt64(total))
        }
    }
}

extension LlamaSystem {
    /// The version of libllama and of ggml with its commit, such as "0.5.0 0.25.3 1a2b3c4". A saved state is only valid
    /// for the build that wrote it.
    package static var version: String {
        [llama_version(), ggml_version(), ggml_commit()].map { $0.map { String(cString: $0) } ?? "" }
            .joined(separator: " ")
    }
}
