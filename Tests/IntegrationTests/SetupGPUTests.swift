import Foundation
import MartletPlatform
import Testing

/// `scripts/setup gpu`: which GPU libllama is built for.
@Suite struct SetupGPUTests {
    /// The output and the exit code of the script, with fake compilers of these names on the PATH.
    private func setup(_ compilers: [String], _ variables: [String: String] = [:]) throws -> (text: String, code: Int32)
    {
        let folder = NSTemporaryDirectory() + "martlet-gpu-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for name in compilers {
            let isMade = FileManager.default.createFile(
                atPath: "\(folder)/\(name)", contents: Data("#!/bin/sh\n".utf8), attributes: [.posixPermissions: 0o755])
            try #require(isMade)
        }
        // The PATH has the tools that the script needs, and no toolchain of this machine.
        for tool in ["bash", "cat", "dirname", "head", "sed", "uname"] {
            let path = ["/usr/bin/", "/bin/"].map { $0 + tool }.first { FileManager.default.fileExists(atPath: $0) }
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder)/\(tool)", withDestinationPath: try #require(path, "\(tool) is missing"))
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["bash", MartletProcess.repository.appending("scripts/setup").string, "gpu"]
        process.environment = [
            "PATH": folder, "CUDA_PATH": "/nowhere", "ROCM_PATH": "/nowhere", "VULKAN_SDK": folder,
        ].merging(variables) { $1 }
        let output = Pipe()
        (process.standardOutput, process.standardError) = (output, output)
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (String(decoding: data, as: UTF8.self), process.terminationStatus)
    }

    #if os(Linux)
        @Test func theFirstToolchainThatIsInstalledIsChosen() throws {
            #expect(try setup(["nvcc", "hipcc"]).text.contains("libllama is built for cuda; GPU="))
            #expect(try setup(["hipcc"]).text.contains("libllama is built for rocm"))
            #expect(try setup(["nvcc", "hipcc"], ["GPU": "rocm"]).text.contains("libllama is built for rocm"))
            let without = try setup([], ["GPU": "auto"])
            #expect(without.code == 0 && without.text.contains("GPU: none (cuda: no nvcc; rocm: no hipcc"))
        }

        @Test func theUserDecides() throws {
            #expect(try setup(["nvcc"], ["GPU": "none"]) == ("", 0))
            #expect(try setup(["nvcc"], ["CMAKE_ARGS": "-DGGML_SYCL=ON"]) == ("", 0))
            let missing = try setup([], ["GPU": "cuda"])
            #expect(missing.code == 1 && missing.text.contains("GPU=cuda: no nvcc"))
            let unknown = try setup([], ["GPU": "tpu"])
            #expect(unknown.code == 1 && unknown.text.contains("auto, cuda, rocm, vulkan or none"))
        }
    #endif
}
