package import Logging
internal import MartletFiles
package import MartletJSON
internal import MartletPlatform
package import MartletProtocol
package import MartletStreams
import MartletText
package import NIOCore
internal import NIOPosix
internal import Synchronization

/// The names of pinned prefixes and their ids: shared by the service that makes prefixes and by the requests that name
/// them. Thread: any.
package final class PinnedPrefixes: Sendable {
    private let table: Mutex<PrefixTable>

    /// - Parameter tokenLimit: the most tokens of one owner's prefixes together.
    package init(tokenLimit: Int = 0) { table = Mutex(PrefixTable(tokenLimit: tokenLimit)) }

    /// The prefix that a request names; nil if it names none, or gives only a hint that names none.
    /// - Throws: `notFound` if the request demands a prefix that its owner does not have.
    func id(of reference: PrefixReference?, owner: Owner) throws(GenerationError) -> PinnedPrefixID? {
        guard let reference else { return nil }
        if let prefix = withTable({ $0.prefix(reference.name, of: owner) }) { return prefix.id }
        guard reference.isRequired else { return nil }
        throw GenerationError(
            .notFound,
            "Field 'cache_prefix': There is no prefix of this name, but got \"\(reference.name.excerpt(bytes: 64))\"",
            field: "cache_prefix")
    }

    func withTable<Result: Sendable>(_ body: (inout sending PrefixTable) -> sending Result) -> Result {
        table.withLock { body(&$0) }
    }
}

/// Makes, lists and removes pinned prefixes, and computes them again when an engine has started.
///
/// A prefix is computed by a generation without output. Thread: any.
package struct PrefixService: Sendable {
    /// Reads a stored definition; the validation belongs to the dialect.
    package typealias ReadDefinition = @Sendable (JSONValue) throws(GenerationError) -> PrefixDefinition

    private let prefixes: PinnedPrefixes
    private let completions: CompletionService
    /// nil = prefixes do not outlive the server.
    private let folder: PrefixFolder?
    private let makeView: @Sendable (ResponseHead) -> any ResponseView
    private let options: CompletionOptions
    private let readDefinition: ReadDefinition
    private let logger: Logger

    /// - Parameters:
    ///   - options: the options of a request without any field.
    ///   - makeView: makes the view of the generations that compute prefixes. They have no reader.
    package init(
        prefixes: PinnedPrefixes, completions: CompletionService, folder: PrefixFolder?, options: CompletionOptions,
        makeView: @escaping @Sendable (ResponseHead) -> any ResponseView,
        readDefinition: @escaping ReadDefinition, logger: Logger
    ) {
        self.prefixes = prefixes
        self.completions = completions
        self.folder = folder
        self.options = options
        self.makeView = makeView
        self.readDefinition = readDefinition
        self.logger = logger
    }

    // MARK: Calls of owners

    /// A prefix with what the engine knows about it.
    package struct Listing: Sendable {
        package let prefix: PinnedPrefix
        /// nil while the engine starts, and until it has computed the prefix.
        package let status: PinnedPrefixStatus?
    }

    /// Pins a prefix under a name. Returns when the engine has computed it.
    ///
    /// - Parameter body: the client's definition, which is stored.
    /// - Returns: the prefix, and whether the name is new. A prefix of the same name is replaced.
    /// - Throws: `rateLimited` if the owner's quota does not suffice; the engine's error if it refuses the prompt.
    package func put(
        _ name: String, of owner: Owner, _ definition: PrefixDefinition, body: JSONValue, on eventLoop: any EventLoop
    ) async throws(GenerationError) -> (prefix: PinnedPrefix, isNew: Bool) {
        let handle = try self.handle(of: body)
        let lease = handle.lease()
        defer { lease.end() }
        if lease.result == nil, !handle.loadsOnDemand { throw handle.readiness.unavailability }
        let prompt = try await lease.model().prompt(of: definition)
        let prefix = PinnedPrefix(
            id: PinnedPrefixID(rawValue: .random(in: 1 ... .max)), owner: owner, name: name, body: body,
            created: Int64(time(nil)), tokens: try await tokenCount(of: prompt, handle))
        let insertion = prefixes.withTable { table in
            Result { () throws(GenerationError) in try table.insert(prefix) }
        }
        let replaced = try insertion.get()
        if let replaced { await forget(replaced) }
        do throws(GenerationError) {
            try await compute(prefix, prompt, handle, on: eventLoop)
        } catch {
            _ = prefixes.withTable { $0.remove(name, of: owner, id: prefix.id) }
            handle.engine.unpin(prefix.id)
            throw error
        }
        var ready = prefix
        ready.state = .ready
        await store(ready)
        return (ready, replaced == nil)
    }

    /// The model of a definition: that of its field `model`, or the default one.
    private func handle(of body: JSONValue) throws(GenerationError) -> ModelHandle {
        try completions.models.model(named: body["model"]?.stringValue)
    }

    private func tokenCount(of prompt: Prompt, _ handle: ModelHandle) async throws(GenerationError) -> Int {
        do throws(EngineError) {
            return try await handle.engine.tokenize(prompt).count
        } catch {
            throw GenerationError(error)
        }
    }

    /// Removes a prefix. The engine may drop its state from now on.
    /// - Throws: `notFound`.
    package func remove(_ name: String, of owner: Owner) async throws(GenerationError) -> PinnedPrefix {
        guard let prefix = prefixes.withTable({ $0.remove(name, of: owner) }) else { throw Self.unknown(name) }
        await forget(prefix)
        return prefix
    }

    /// An owner's prefix.
    /// - Throws: `notFound`.
    package func prefix(_ name: String, of owner: Owner) async throws(GenerationError) -> Listing {
        guard let prefix = prefixes.withTable({ $0.prefix(name, of: owner) }) else { throw Self.unknown(name) }
        return Listing(prefix: prefix, status: await statuses()[prefix.id])
    }

    /// An owner's prefixes, the oldest first, and the most tokens that they may have together.
    package func prefixes(of owner: Owner) async -> (listings: [Listing], tokenLimit: Int) {
        let (own, limit) = prefixes.withTable { ($0.prefixes(of: owner), $0.tokenLimit) }
        guard !own.isEmpty else { return ([], limit) }
        let statuses = await statuses()
        return (own.map { Listing(prefix: $0, status: statuses[$0.id]) }, limit)
    }

    private static func unknown(_ name: String) -> GenerationError {
        GenerationError(.notFound, "There is no prefix \"\(name.excerpt(bytes: 64))\"")
    }

    /// The figures of the engines that run.
    private func statuses() async -> [PinnedPrefixID: PinnedPrefixStatus] {
        var statuses: [PinnedPrefixID: PinnedPrefixStatus] = [:]
        for handle in completions.models.all {
            guard case .ready = handle.readiness.state, let status = try? await handle.engine.status() else { continue }
            for prefix in status.cache.prefixes { statuses[prefix.id] = prefix }
        }
        return statuses
    }

    // MARK: Computation

    /// Computes a prefix by a generation without output, and waits for its end.
    private func compute(
        _ prefix: PinnedPrefix, _ prompt: Prompt, _ handle: ModelHandle, on eventLoop: any EventLoop
    ) async throws(GenerationError) {
        var options = options
        options.model = handle.name
        options.streams = false
        options.parameters.maximumTokens = 0
        options.parameters.cache.retention = .pinned
        options.parameters.cache.prefix = prefix.id
        let plan = CompletionPlan(
            kind: .native, prompts: [prompt], options: options, body: [:], promptTexts: [""], idPrefix: "",
            makeView: makeView)
        let generation = try completions.begin(
            plan, GenerationTerms(owner: prefix.owner, lifetime: .plain), on: eventLoop)
        await generation.log.waitForEnd()
        guard case .failed(let error)? = generation.log.terminalEvent else {
            prefixes.withTable { table in
                _ = table.update(prefix.id, of: prefix.owner) { $0.state = .ready }
            }
            return
        }
        throw GenerationError(error)
    }

    /// Computes the prefixes of all loaded models again: an engine has started. A prefix that the disk tier holds is only read.
    ///
    /// One after the other, so that clients' requests are not delayed by many at once.
    package func computeAll(on eventLoop: any EventLoop) async {
        for prefix in prefixes.withTable({ $0.all }) {
            do throws(GenerationError) {
                let handle = try handle(of: prefix.body)
                // A prefix loads no model. It is computed when a request has loaded the model.
                if handle.loadsOnDemand, handle.readiness.model == nil { continue }
                let prompt = try handle.readyModel().prompt(of: try readDefinition(prefix.body))
                let tokens = try await tokenCount(of: prompt, handle)
                prefixes.withTable { table in
                    _ = table.update(prefix.id, of: prefix.owner) { ($0.tokens, $0.state) = (tokens, .computing) }
                }
                try await compute(prefix, prompt, handle, on: eventLoop)
            } catch {
                let message = error.message
                prefixes.withTable { table in
                    _ = table.update(prefix.id, of: prefix.owner) { $0.state = .failed(message) }
                }
                logger.warning(
                    "a pinned prefix cannot be computed", metadata: ["prefix": "\(prefix.name)", "reason": "\(error)"])
            }
        }
    }

    // MARK: Files

    /// Reads the definitions of an earlier process. They are computed when the engine is ready.
    package func restore() {
        guard let folder else { return }
        let (stored, problems) = folder.read()
        for problem in problems {
            logger.warning("a pinned prefix cannot be read", metadata: ["reason": "\(problem)"])
        }
        prefixes.withTable { table in
            for prefix in stored { table.restore(prefix) }
        }
    }

    private func store(_ prefix: PinnedPrefix) async {
        await onDisk("cannot store a pinned prefix; it does not outlive this server") { folder throws(FileError) in
            try folder.write(prefix)
        }
    }

    /// Removes a prefix from the engine and from the disk.
    private func forget(_ prefix: PinnedPrefix) async {
        for handle in completions.models.all { handle.engine.unpin(prefix.id) }
        await onDisk("cannot remove a pinned prefix; it comes back with the next start") { folder throws(FileError) in
            try folder.remove(prefix.id)
        }
    }

    private func onDisk(
        _ problem: Logger.Message, _ body: @escaping @Sendable (PrefixFolder) throws(FileError) -> Void
    ) async {
        guard let folder else { return }
        do {
            try await NIOThreadPool.singleton.runIfActive { try body(folder) }
        } catch {
            logger.warning(problem, metadata: ["reason": "\(error)"])
        }
    }
}
