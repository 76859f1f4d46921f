import Foundation
import Llama
import MartletEngine
import MartletProtocol
import Testing

@Suite struct ControlVectorTests {
    private let prompt = RunningEngine.chat("What is 3 + 4?")

    private func tokens(_ configure: @escaping (inout EngineConfiguration) -> Void) async -> [Int32] {
        let running = RunningEngine(configure)
        defer { running.engine.shutdown() }
        return await running.completion(prompt).tokens
    }

    private func failure(_ path: String) async -> String {
        let running = RunningEngine { $0.controlVectors = [(path, 1)] }
        defer { running.engine.shutdown() }
        guard case .failed(let error) = await running.log.settled() else { return "loaded" }
        return error.message
    }

    @Test func aControlVectorChangesTheOutputByItsScaleAndLayers() async throws {
        let path = try ControlVectorFile.make(layers: 1...3)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let plain = await tokens { _ in }
        let changed = await tokens { $0.controlVectors = [(path, 800)] }
        #expect(changed != plain)
        #expect(await tokens { $0.controlVectors = [(path, 800)] } == changed)
        #expect(await tokens { $0.controlVectors = [(path, 500), (path, 300)] } == changed)
        #expect(await tokens { $0.controlVectors = [(path, 0)] } == plain)
        #expect(await tokens { $0.controlVectors = [(path, 800), (path, -800)] } == plain)
        let explicit = await tokens {
            $0.controlVectors = [(path, 800)]
            $0.controlLayers = 1...3
        }
        #expect(explicit == changed)
        let none = await tokens {
            $0.controlVectors = [(path, 800)]
            $0.controlLayers = 400...500
        }
        #expect(none == plain)
    }

    @Test func aFileThatIsNoControlVectorOfTheModelIsNamed() async throws {
        let short = try ControlVectorFile.make(layers: 1...1, length: 64)
        defer { try? FileManager.default.removeItem(atPath: short) }
        #expect(await failure(short) == "The control vector \(short) has 64 numbers for a layer, and the model 192.")
        #expect(await failure(TestModels.fledgling).contains("so it is no control vector"))
        #expect(await failure("/nowhere.gguf") == "The control vector /nowhere.gguf is not there.")
    }

    /// The placement of threads does not change results.
    @Test func placedThreadsComputeTheSameOutput() async {
        let plain = await tokens { _ in }
        let placed = await tokens {
            $0.threads = 2
            $0.placement.processors = Set(0..<512)
            $0.placement.priority = .low
            $0.batchPlacement.polling = 0
        }
        #expect(placed == plain)
        let running = RunningEngine { $0.placement.processors = [511] }
        defer { running.engine.shutdown() }
        guard case .failed(let error) = await running.log.settled() else {
            Issue.record("threads were placed on a processor that is not there")
            return
        }
        #expect(error.message.contains("None of the processors 511 of the CPU mask"))
    }
}
