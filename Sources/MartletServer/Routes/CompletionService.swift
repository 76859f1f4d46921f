internal import Hummingbird
internal import MartletAPI
internal import MartletProtocol
internal import MartletStreams
internal import NIOCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Runs completions: admits them, and answers with a stream or a whole.
struct CompletionService: Sendable {
    let configuration: ServerConfiguration
    let registry: GenerationRegistry
    let gate: ModelGate
    let loops: ReaderLoops
    let shutdown: ShutdownFlag

    func respond<View>(to completion: Completion<View>, on context: EdgeContext) async throws -> Response {
        guard !shutdown.isSet else { throw APIError(.unavailable, "The server is shutting down") }
        let created = time(nil)
        let head = LogHead(created: Int64(created), model: configuration.modelName)
        let view = completion.makeView(
            ResponseHead(
                id: completion.idPrefix + head.id, created: created, model: head.model, fingerprint: configuration.build
            ))

        let log = try await start(completion, head, on: context)
        guard completion.options.streams else {
            await log.waitForEnd()
            return .json(try view.response(for: log.events))
        }
        return StreamResponse(
            log: log, view: view, pingInterval: completion.options.pingInterval, loops: loops
        ).response(on: context.channel)
    }

    /// Begins the generation. For a stream it waits a little for a refusal, which is thrown.
    private func start<View>(
        _ completion: Completion<View>, _ head: LogHead, on context: EdgeContext
    ) async throws(APIError) -> GenerationLog {
        if case .failed(let error) = gate.state { throw APIError(error) }
        guard let model = gate.model else {
            let (handle, log) = try prepare(head, on: context)
            startWhenLoaded(completion, handle)
            return log
        }
        let prepared = try prepare(completion, for: model)
        let (handle, log) = try prepare(head, on: context)
        registry.submit(
            completion.options.request(
                handle: handle, prompt: prepared.prompt, visibleMarkers: prepared.visibleMarkers,
                constraint: prepared.constraint),
            splitter: prepared.splitter)
        guard completion.options.streams else { return log }
        await log.waitForFirstEvent(upTo: TimeAmount(configuration.admissionPatience), on: context.channel.eventLoop)
        if case .failed(let error)? = log.firstEvent { throw APIError(error) }
        return log
    }

    /// The generation exists from now on, and ends when the client goes away.
    private func prepare(
        _ head: LogHead, on context: EdgeContext
    ) throws(APIError) -> (GenerationHandle, GenerationLog) {
        let handle: GenerationHandle
        let log: GenerationLog
        do throws(GenerationQuota.Excess) {
            (handle, log) = try registry.prepare(head, for: context.notes.keyLabel)
        } catch {
            throw APIError(error)
        }
        context.notes.log = log
        context.channel.withConnection { [registry] connection in
            if let connection {
                connection.onAbandoned { registry.cancel(handle) }
            } else {
                registry.cancel(handle)
            }
        }
        return (handle, log)
    }

    private func startWhenLoaded<View>(_ completion: Completion<View>, _ handle: GenerationHandle) {
        gate.whenDecided { result in
            // Off the engine's thread: rendering takes time.
            Task {
                do throws(APIError) {
                    let prepared = try prepare(completion, for: try result.mapError(APIError.init).get())
                    registry.submit(
                        completion.options.request(
                            handle: handle, prompt: prepared.prompt, visibleMarkers: prepared.visibleMarkers,
                            constraint: prepared.constraint),
                        splitter: prepared.splitter)
                } catch {
                    registry.fail(handle, EngineError(error))
                }
            }
        }
    }

    private func prepare<View>(
        _ completion: Completion<View>, for model: LoadedModel
    ) throws(APIError) -> PreparedPrompt {
        if let name = completion.options.model, !configuration.acceptsAnyModelName, !model.isNamed(name) {
            throw APIError(
                .notFound,
                "Field 'model': Value must be \"\(configuration.modelName)\", but got \"\(name.prefix(256))\"",
                parameter: "model")
        }
        return try completion.prepare(model)
    }
}

extension APIError {
    init(_ excess: GenerationQuota.Excess) {
        self =
            switch excess {
            case .total(let limit):
                APIError(
                    .overloaded,
                    "\(limit) generations run or wait already, which is this server's limit "
                        + "(--max-generations)")
            case .perOwner(let limit):
                APIError(
                    .rateLimited,
                    "\(limit) generations of this API key run or wait already, which is its limit "
                        + "(--max-generations-per-key)")
            }
    }
}
