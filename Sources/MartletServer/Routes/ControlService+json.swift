internal import MartletAPI
internal import MartletGenerations
internal import MartletJSON
internal import MartletStreams

extension ControlService {
    /// Reads a control command and sends it. A repetition of a request id gets the first reply.
    ///
    /// - Parameter defaults: the limits of grammars and schemas.
    func send(
        _ json: JSONValue, to generation: Generation, defaults: CompletionDefaults
    ) throws(APIError) -> SentCommand {
        let identity = try CommandIdentity.of(json)
        // Before the command is validated: what was valid at first may not be valid any more.
        if let identity {
            let known = try APIError.mapping { () throws(GenerationError) in
                try sentCommand(identity: identity, to: generation)
            }
            if let known { return known }
        }
        let request = try ControlRequest(json, settings: settings(of: generation), defaults: defaults)
        return try APIError.mapping { () throws(GenerationError) in
            try send(request, identity: identity, to: generation)
        }
    }

    /// The body of a response to a command that took effect.
    /// - Throws: the reason why the command did not take effect.
    static func body(of reply: CommandReply) throws(APIError) -> JSONValue {
        switch reply {
        case .applied(let record, let event): return ControlBodies.applied(record, event: event)
        case .status(let report): return ControlBodies.status(report)
        case .refused(let refusal): throw APIError(GenerationError(refusal))
        case .ended(let end): throw APIError(GenerationError.ended(end))
        }
    }
}
