import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// A plain HTTP client for tests.
public enum TestHTTP {
    public struct Reply: Sendable {
        public let status: Int
        public let headers: [String: String]
        public let body: String

        public var json: [String: Any] { (try? JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any]) ?? [:] }
        public var list: [[String: Any]] {
            let value = try? JSONSerialization.jsonObject(with: Data(body.utf8))
            if let list = value as? [[String: Any]] { return list }
            let object = value as? [String: Any]
            return object?["data"] as? [[String: Any]] ?? object?["orders"] as? [[String: Any]] ?? []
        }
    }

    public static func send(
        _ method: String, _ url: String, bytes: [UInt8]? = nil, headers: [String: String] = [:], timeout: Duration = .seconds(15)
    ) async throws -> Reply {
        var request = HTTPClientRequest(url: url)
        request.method = HTTPMethod(rawValue: method)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let bytes { request.body = .bytes(ByteBuffer(bytes: bytes)) }
        let response = try await HTTPClient.shared.execute(request, timeout: .milliseconds(timeout.components.seconds * 1000))
        let buffer = try await response.body.collect(upTo: 64 << 20)
        let pairs = response.headers.map { ($0.name.lowercased(), $0.value) }
        return Reply(
            status: Int(response.status.code), headers: Dictionary(pairs, uniquingKeysWith: { $0 + ", " + $1 }), body: String(buffer: buffer))
    }

    public static func get(_ url: String, token: String? = nil) async throws -> Reply {
        try await send("GET", url, headers: token.map { ["Authorization": "Bearer \($0)"] } ?? [:])
    }

    public static func post(_ url: String, _ body: String, headers: [String: String] = [:]) async throws -> Reply {
        try await send("POST", url, bytes: Array(body.utf8), headers: ["Content-Type": "application/json"].merging(headers) { $1 })
    }
}

/// A loopback TCP port that was free a moment ago.
public func freePort() throws -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0 }
    }
    guard bound else { throw TimedOut(description: "no free port") }
    return Int(UInt16(bigEndian: address.sin_port))
}
