import MartletAPI
import MartletJSON

/// Any bytes of a client over a WebSocket become messages, are refused with an error in JSON, or end the connection
/// with a valid close code.
enum MessageFuzz {
    private static let limit = 4_096

    /// Each frame: a byte of flags, a byte of length, and so many bytes.
    static func run(_ input: [UInt8]) -> CInt {
        var assembler = MessageAssembler(limit: limit)
        var rest = input[...]
        while rest.count >= 2 {
            let (bits, length) = (rest.removeFirst(), Int(rest.removeFirst()))
            var frame = MessageAssembler.Frame(opcode: bits & 0x0F, payload: Array(rest.prefix(length)))
            frame.isFinal = bits & 0x80 == 0
            frame.usesExtension = bits & 0x40 != 0
            frame.isMasked = bits & 0x20 == 0
            rest = rest.dropFirst(length)
            do throws(SocketCloseReason) {
                guard case .message(let text) = try assembler.append(frame) else { continue }
                precondition(text.count <= limit, "a message beyond the limit")
                read(text)
            } catch {
                precondition([1002, 1003, 1007, 1009].contains(error.code), "ended with \(error.code)")
                precondition(SocketFrame.close(error).count <= 127, "a close frame that is too long")
                return CorpusDecision.accept
            }
        }
        return CorpusDecision.accept
    }

    private static func read(_ text: [UInt8]) {
        precondition(String(validating: text, as: UTF8.self) != nil, "a message that is no UTF-8")
        guard let json = try? JSONParser.parse(text) else { return }
        readResponse(json)
        var message: RealtimeMessage?
        do throws(APIError) {
            let read = try RealtimeMessage(json)
            message = read
            if case .generate(_, _, let request, _) = try read.content() {
                precondition(request["stream"] == true, "a generation that does not stream")
            }
        } catch {
            precondition((400..<500).contains(error.status), "an error without an error status")
            let reply = RealtimeReply.refuse(message, error).drop { $0 != UInt8(ascii: "{") }
            precondition((try? JSONParser.parse(reply)) != nil, "an error that is no JSON")
        }
    }

    /// The same text as a message of a WebSocket of Responses.
    private static func readResponse(_ json: JSONValue) {
        let stream = ResponseSocketMessage.streamOfRefused(json)
        do throws(APIError) {
            guard case .create(let request, let own) = try ResponseSocketMessage(json) else { return }
            precondition(request["stream"] == true && request["type"] == nil, "a response that does not stream")
            precondition(own?.utf8.count ?? 1 <= ResponseSocketMessage.streamLimit, "a name beyond the limit")
        } catch {
            precondition((400..<500).contains(error.status), "an error without an error status")
            let reply = ResponseSocketError.frame(error, stream: stream).drop { $0 != UInt8(ascii: "{") }
            precondition((try? JSONParser.parse(reply)) != nil, "an error that is no JSON")
        }
    }
}
