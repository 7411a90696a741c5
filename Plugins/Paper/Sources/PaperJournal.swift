import Foundation
import SimulatorKit

/// An append-only file of what happened, one JSON line per step; a line is on the disk before anybody hears of it.
///
/// Not `Sendable`: owned by one actor.
final class PaperJournal {
    enum Problem: Error, CustomStringConvertible {
        case system(String, String, Int32)
        case inUse(String)
        case damaged(String, line: Int, String)

        var description: String {
            switch self {
            case .system(let call, let path, let code): "\(call) \(path): \(String(cString: strerror(code)))"
            case .inUse(let path): "\(path) is in use by another process"
            case .damaged(let path, let line, let detail): "\(path):\(line) is damaged: \(detail)"
            }
        }
    }

    private struct Line: Codable {
        /// Version of the line's form.
        var v = 1
        var events: [ExchangeEvent]
    }

    private let descriptor: Int32
    private let path: String
    /// Bytes of a last line that was cut off by a crash and has been removed.
    let tornBytes: Int

    /// Opens or makes the file, holds it against other processes, and hands over every stored event.
    init(directory: String, _ replay: (ExchangeEvent) throws(HistoryError) -> Void) throws(Problem) {
        let path = directory + "/paper.jsonl"
        do { try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true) } catch {
            throw .system("mkdir", directory, errno)
        }
        let descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .system("open", path, errno) }
        do throws(Problem) {
            tornBytes = try Self.prepare(descriptor, path, directory, replay)
        } catch {
            close(descriptor)
            throw error
        }
        self.path = path
        self.descriptor = descriptor
    }

    /// Locks, reads and repairs the file; returns how many bytes of a torn line it removed.
    private static func prepare(
        _ descriptor: Int32, _ path: String, _ directory: String, _ replay: (ExchangeEvent) throws(HistoryError) -> Void
    ) throws(Problem) -> Int {
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw .inUse(path) }
        let whole = try read(path, replay)
        let torn = Int(lseek(descriptor, 0, SEEK_END)) - whole
        if torn > 0, ftruncate(descriptor, off_t(whole)) != 0 { throw .system("ftruncate", path, errno) }
        // The name of a new file is on the disk only when its folder is.
        let folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw .system("open", directory, errno) }
        defer { close(folder) }
        guard fsync(folder) == 0, fsync(descriptor) == 0 else { throw .system("fsync", directory, errno) }
        return torn
    }

    deinit {
        // A child that is being started at this moment shares the lock until it has closed its copy.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// Returns when the events are on the disk. After an error the file's end is not known: stop using it.
    func append(_ events: [ExchangeEvent]) throws(Problem) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard var bytes = try? encoder.encode(Line(events: events)) else { throw .system("encode", path, EINVAL) }
        bytes.append(UInt8(ascii: "\n"))
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress.map { $0 + written }, bytes.count - written) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .system("write", path, errno) }
            written += count
        }
        guard fdatasync(descriptor) == 0 else { throw .system("fdatasync", path, errno) }
    }

    /// Reads line by line and returns the length of the whole lines.
    private static func read(_ path: String, _ replay: (ExchangeEvent) throws(HistoryError) -> Void) throws(Problem) -> Int {
        guard let handle = FileHandle(forReadingAtPath: path) else { throw .system("open", path, errno) }
        defer { try? handle.close() }
        let decoder = JSONDecoder()
        var rest = Data()
        var whole = 0
        var number = 0
        while let chunk = try? handle.read(upToCount: 1 << 20), !chunk.isEmpty {
            rest.append(chunk)
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                number += 1
                do {
                    let line = try decoder.decode(Line.self, from: rest[rest.startIndex..<end])
                    guard line.v == 1 else { throw HistoryError(description: "unknown version \(line.v)") }
                    for event in line.events { try replay(event) }
                } catch {
                    throw .damaged(path, line: number, "\(error)")
                }
                whole += end - rest.startIndex + 1
                rest = rest[(end + 1)...]
            }
            rest = Data(rest)
        }
        return whole
    }
}
