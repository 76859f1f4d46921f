import MartletPlatform
import Testing

@testable import Llama

/// libggml ends the process if it cannot connect to an RPC server, so a connection is tried first.
@Suite struct ServerProbeTests {
    /// A socket that is bound to a free port of the loopback interface.
    private func bound(_ body: (Int32, UInt16) throws -> Void) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutableBytes(of: &address) { bytes in
            let pointer = bytes.assumingMemoryBound(to: sockaddr.self).baseAddress
            return bind(descriptor, pointer, length) == 0 && getsockname(descriptor, pointer, &length) == 0
        }
        try #require(result)
        try body(descriptor, UInt16(bigEndian: address.sin_port))
    }

    @Test func aServerThatListensAnswers() throws {
        try bound { descriptor, port in
            #expect(ServerProbe.failure(of: "127.0.0.1:\(port)") == "Connection refused")
            try #require(listen(descriptor, 1) == 0)
            #expect(ServerProbe.failure(of: "127.0.0.1:\(port)") == nil)
        }
    }

    @Test func anAddressWithoutAPortIsNamed() {
        #expect(ServerProbe.failure(of: "localhost") == "it has no port")
    }

    /// The error of a load names the flag and the server, if libllama has the backend at all.
    @Test func aServerThatIsGoneIsAnErrorOfTheFlag() throws {
        do throws(LlamaError) {
            try LlamaSystem.addRemoteDevices(["127.0.0.1:1"])
            Issue.record("the server was accepted")
        } catch {
            #expect(error.message.hasPrefix("--rpc: "), "\(error.message)")
        }
    }
}
