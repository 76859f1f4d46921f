import Llama
import Logging
import MartletEngine
import MartletJSON
import MartletPlatform
import Subprocess

/// A device beside the processor, as a worker reports it.
struct ReportedDevice: Sendable, Equatable {
    /// The name of ggml, e.g. `CUDA0`.
    var name: String
    /// Whether a load uses the device unless `--device` says otherwise.
    var isGPU: Bool
    /// The memory that was free when the worker asked.
    var freeByteCount: UInt64
}

/// Asks a short-lived worker for the devices: the edge never opens one, because a driver's context costs hundreds of MiB.
struct DeviceProbe {
    /// The flag of `martlet worker` that prints the devices instead of running a model.
    static let flag = "--list-devices"
    /// The longest time of a worker. A driver that hangs must not keep a server from its start.
    private static let timeout: Duration = .seconds(20)
    private static let maximumOutputByteCount = 1 << 20

    /// The program itself.
    let executable: FilePath
    /// Reports a worker that fails.
    let logger: Logger

    /// The devices, in libllama's order; none if the settings use none.
    func devices(_ values: SettingValues) async -> [ReportedDevice] {
        guard values.list(.device) != ["none"], values.integer(.gpuLayers) != 0 else { return [] }
        do {
            let arguments = ["worker", Self.flag] + values.workerArguments().filter { !$0.hasPrefix("--model=") }
            let output = try await Self.run(executable, arguments)
            guard let devices = Self.devices(in: Array(output.utf8)) else {
                throw SettingError("its output is no list of devices")
            }
            for device in devices {
                logger.info(
                    "device", metadata: ["name": "\(device.name)", "freeMiB": "\(device.freeByteCount >> 20)"])
            }
            return devices
        } catch {
            logger.warning("devices do not count in the plan of memory", metadata: ["reason": "\(error)"])
            return []
        }
    }

    /// Runs a worker to its end and returns its output.
    /// - Throws: If the worker fails, or has not ended after ``timeout``.
    static func run(_ executable: FilePath, _ arguments: [String]) async throws -> String {
        try await withThrowingTaskGroup(of: String?.self) { group in
            group.addTask {
                var options = PlatformOptions()
                options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .milliseconds(200))]
                let result = try await Subprocess.run(
                    .path(executable), arguments: Arguments(arguments), environment: .inherit, platformOptions: options,
                    input: .none, output: .string(limit: maximumOutputByteCount),
                    error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false))
                guard result.terminationStatus.isSuccess else {
                    throw SettingError("the worker ended with \(result.terminationStatus)")
                }
                return result.standardOutput
            }
            group.addTask {
                try await Task.sleep(for: timeout)
                return nil
            }
            defer { group.cancelAll() }
            guard let output = try await group.next().flatMap({ $0 }) else {
                throw SettingError("the worker did not answer for \(timeout)")
            }
            return output
        }
    }

    /// The devices in a worker's output; `nil` if it has another form.
    static func devices(in output: [UInt8]) -> [ReportedDevice]? {
        guard let list = (try? JSONParser.parse(output))?.arrayValue else { return nil }
        var devices: [ReportedDevice] = []
        for entry in list {
            guard let name = entry["name"]?.stringValue, let free = entry["free"]?.unsignedValue else { return nil }
            devices.append(ReportedDevice(name: name, isGPU: entry["gpu"]?.boolValue ?? false, freeByteCount: free))
        }
        return devices
    }

    /// Prints the devices of this process as JSON: `[{"name":"CUDA0","gpu":true,"free":24000000000}]`.
    ///
    /// Runs in the worker. Those of `--rpc` are included, if the flags permit connections.
    static func report(_ flags: [String]) throws {
        do {
            let values = try SettingParser(command: .worker)
                .parse(arguments: flags.filter { $0 != flag }, environment: CurrentProcess.environment)
            try QuietLoader.loadModules()
            try LlamaSystem.addRemoteDevices(EngineConfiguration.remoteServers(values))
        } catch let error as any CustomStringConvertible {
            throw CommandFailure.exit(error)
        }
        let devices = DevicePlacement.available.map { device -> JSONValue in
            ["name": .string(device.name), "gpu": .bool(device.isGPU), "free": JSONValue(device.freeByteCount)]
        }
        Terminal.write(JSONValue.array(devices).text + "\n")
    }
}
