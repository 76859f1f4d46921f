import Logging
import MartletPlatform
import MartletProtocol
import MartletWorkers
import Testing

/// A worker that is a shell script: a real process, real pipes, and an end of the test's choice.
///
/// In the script `$0` is a file with the frames that the worker says first, `$1` a folder for the script's own files,
/// in which `then` has further frames.
struct ShellWorker {
    let folder: FilePath
    let launcher: SubprocessLauncher

    init(printing frames: [WorkerFrame], then later: [WorkerFrame] = [], script: String) throws {
        var template = Array("/tmp/martlet-models-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
        folder = FilePath(String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
        let file = folder.appending("frames")
        try Self.write([.hello(version: FrameFormat.version)] + frames, from: 0, to: file)
        try Self.write(later, from: UInt64(frames.count) + 1, to: folder.appending("then"))
        launcher = SubprocessLauncher(
            executable: "/bin/sh", arguments: ["-c", script, file.string, folder.string])
    }

    /// Writes frames, the first with a number. The greeting is frame 0 and has no number on the wire.
    private static func write(_ frames: [WorkerFrame], from first: UInt64, to file: FilePath) throws {
        var bytes: [UInt8] = []
        for (number, frame) in zip(first..., frames) {
            if number == 0 { try frame.encode(to: &bytes) } else { try frame.encode(number: number, to: &bytes) }
        }
        let descriptor = try FileDescriptor.open(
            file, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
        try descriptor.closeAfter { _ = try descriptor.writeAll(bytes) }
    }

    func contents(_ name: FilePath.Component) throws -> [UInt8] {
        let descriptor = try FileDescriptor.open(folder.appending(name), .readOnly)
        return try descriptor.closeAfter {
            try [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
                count = try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
            }
        }
    }

    func remove() {
        for name in ["frames", "then", "runs", "input"] { unlink(folder.appending(name).string) }
        rmdir(folder.string)
    }
}

extension GenerationRequest {
    static func sample(_ number: UInt64) -> GenerationRequest {
        GenerationRequest(
            handle: GenerationHandle(rawValue: number),
            prompt: Prompt(pieces: [.text("hello", isTrusted: false)], addsBeginning: true))
    }
}

extension EngineEvent.Kind {
    static func lifeUntilTokens(_ tokens: [Int32]) -> [Self] {
        [.admitted(promptTokens: 5), .started(slot: 0, cachedTokens: 0)]
            + tokens.map { .token(id: $0, text: [0x61]) }
    }
}

extension [EdgeFrame] {
    /// The first frames to a worker.
    static func first(_ request: GenerationRequest) -> [EdgeFrame] {
        [.hello(version: FrameFormat.version), .submit(request)]
    }

    /// Decodes the frames to a worker.
    init(bytes: [UInt8]) throws {
        var decoder = FrameDecoder()
        decoder.append(bytes)
        self = []
        while let payload = try decoder.next() { append(try EdgeFrame(payload: payload)) }
    }

    /// Bytes on the wire.
    func byteCount() throws -> Int {
        var bytes: [UInt8] = []
        for frame in self { try frame.encode(to: &bytes) }
        return bytes.count
    }
}
