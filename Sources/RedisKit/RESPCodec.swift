import CHiredis
import NIOCore

/// What the server sent cannot be read; the connection is of no more use.
struct RESPFailure: Error, CustomStringConvertible {
    let description: String
}

/// Writes commands and reads replies, with hiredis' formatter and reader.
enum RESPWriter {
    /// The bytes of one command. Arguments may hold any bytes.
    static func command(_ arguments: [String]) -> ByteBuffer {
        let parts = arguments.map { Array($0.utf8) }
        let joined = parts.flatMap { $0 }.map(CChar.init(bitPattern:)) + [0]
        return joined.withUnsafeBufferPointer { all in
            var start = 0
            var pointers: [UnsafePointer<CChar>?] = []
            for part in parts {
                pointers.append(all.baseAddress.map { $0 + start })
                start += part.count
            }
            let lengths = parts.map(\.count)
            var target: UnsafeMutablePointer<CChar>?
            let length = redisFormatCommandArgv(&target, Int32(parts.count), &pointers, lengths)
            guard let target, length > 0 else { return ByteBuffer() }
            defer { redisFreeCommand(target) }
            return ByteBuffer(bytes: UnsafeRawBufferPointer(start: target, count: Int(length)))
        }
    }
}

/// Takes bytes as they come and gives whole replies. Not `Sendable`: it belongs to one connection's loop.
///
/// hiredis 0.14 knows version 2 of the protocol, and replies nested at most seven deep.
final class RESPReader {
    /// Longest unread part of a reply; nothing that this program asks for comes near.
    static let limit = 64 << 20
    private let reader: UnsafeMutablePointer<redisReader>

    init() throws {
        guard let reader = redisReaderCreate() else { throw RESPFailure(description: "out of memory") }
        self.reader = reader
    }

    deinit { redisReaderFree(reader) }

    func feed(_ bytes: ByteBuffer) throws {
        let isFed = bytes.withUnsafeReadableBytes { raw in
            raw.isEmpty || redisReaderFeed(reader, raw.bindMemory(to: CChar.self).baseAddress, raw.count) == REDIS_OK
        }
        guard isFed, reader.pointee.len - reader.pointee.pos <= Self.limit else { throw RESPFailure(description: "a reply is too long") }
    }

    /// The next whole reply; nil until more bytes have come. To be asked until it gives nil.
    func next() throws -> RESPValue? {
        var raw: UnsafeMutableRawPointer?
        guard redisReaderGetReply(reader, &raw) == REDIS_OK else {
            throw RESPFailure(description: withUnsafeBytes(of: reader.pointee.errstr) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        guard let raw else { return nil }
        defer { freeReplyObject(raw) }
        return Self.value(raw.assumingMemoryBound(to: redisReply.self))
    }

    private static func value(_ reply: UnsafeMutablePointer<redisReply>) -> RESPValue {
        let reply = reply.pointee
        let bytes = UnsafeRawBufferPointer(start: reply.str, count: reply.str == nil ? 0 : reply.len)
        switch reply.type {
        case REDIS_REPLY_STRING: return .bytes(Array(bytes))
        case REDIS_REPLY_STATUS: return .status(String(decoding: bytes, as: UTF8.self))
        case REDIS_REPLY_ERROR: return .error(String(decoding: bytes, as: UTF8.self))
        case REDIS_REPLY_INTEGER: return .integer(reply.integer)
        case REDIS_REPLY_ARRAY:
            return .array((0..<reply.elements).map { index in reply.element[index].map(value) ?? .null })
        default: return .null
        }
    }
}
