import MartletProtocol

/// A control command on the engine thread. Each kind of command is one type in one file.
///
/// `EngineCore.apply(_:)` first checks the requirement, then calls `validate` and `apply` in the same step. Thread: the
/// engine thread only.
protocol EngineCommand {
    /// The result of validation that `apply` needs; `Void` if it needs none.
    associatedtype Plan

    /// The state of the sequence that the command needs.
    static var requirement: CommandRequirement { get }

    /// Checks the command against the state of the sequence. Changes nothing.
    ///
    /// - Throws: the refusal that is the reply.
    func validate(_ target: CommandTarget, in engine: EngineCore) throws(ControlRefusal) -> Plan

    /// Applies the command and emits its result: at once, or at the token where it takes effect.
    ///
    /// - Throws: the refusal that is the reply; the sequence is then unchanged.
    func apply(_ plan: Plan, to target: CommandTarget, in engine: EngineCore) throws(ControlRefusal)
}

extension EngineCommand where Plan == Void {
    /// Commands without rules of their own are always valid.
    func validate(_ target: CommandTarget, in engine: EngineCore) throws(ControlRefusal) {}
}

/// The state of a sequence that a command needs.
///
/// ```
///                      no slot yet    in the queue, had a slot    tokens to be sampled again    otherwise
///  none                applied        applied                     applied                       applied
///  knownTokens         applied        applied                     deferred                      applied
///  begunSequence       refused        deferred                    deferred                      applied
/// ```
enum CommandRequirement {
    /// The command is applied in any state.
    case none
    /// All tokens of an earlier run are known to the sampler: new settings take effect behind them.
    case knownTokens
    /// The sequence has begun, and runs or is swapped out: the command changes its tokens.
    case begunSequence
}

/// The sequence that a command applies to.
struct CommandTarget {
    /// The place of a sequence in the engine.
    enum Location {
        case running(KVEntryID)
        case queue
        case swappedOut(Int)
    }

    let number: CommandNumber
    let sequence: EngineSequence
    let location: Location

    var handle: GenerationHandle { sequence.handle }

    /// The entry of the KV cache that the sequence runs on; `nil` if it does not run.
    var entry: KVEntryID? { if case .running(let entry) = location { entry } else { nil } }
}

extension ControlRefusal {
    /// Runs `body`, and turns its error into a refusal with the error's sentence.
    static func wrapping<Value>(_ body: () throws(EngineError) -> Value) throws(ControlRefusal) -> Value {
        do throws(EngineError) {
            return try body()
        } catch {
            throw .invalid(error.message)
        }
    }
}
