import Foundation
import Logging
import ServiceLifecycle
import Synchronization
import TradingModel

#if canImport(Glibc)
    import Glibc
#endif

/// A file descriptor that takes one whole line at a time: standard output unless told otherwise.
///
/// Each line goes out at once, unless ``LogFlusher`` runs: then lines of no urgency wait for each other, at most
/// ``LogFlusher/interval`` long and ``capacity`` bytes in all. An urgent line takes those before it along.
final class LogOutput: Sendable {
    /// Bytes that may wait.
    static let capacity = 64 * 1024

    private struct State {
        var waiting: [UInt8] = []
        var isBuffering = false
    }

    private let descriptor: Int32
    private let state = Mutex(State())
    /// Held while lines go out, so that those of several threads neither mix nor change places.
    private let lock = Mutex(())

    init(descriptor: Int32 = STDOUT_FILENO) { self.descriptor = descriptor }

    func write(_ line: String) { write(Array(line.utf8), isUrgent: true) }

    func write(_ line: [UInt8], isUrgent: Bool) {
        let isDue = state.withLock { state in
            state.waiting.append(contentsOf: line)
            return isUrgent || !state.isBuffering || state.waiting.count >= Self.capacity
        }
        if isDue { flush() }
    }

    /// Writes what waits.
    func flush() {
        lock.withLock { _ in
            let lines = state.withLock { state in
                let lines = state.waiting
                state.waiting.removeAll(keepingCapacity: false)
                if state.isBuffering { state.waiting.reserveCapacity(lines.count) }
                return lines
            }
            lines.withUnsafeBytes { bytes in
                var rest = bytes
                while !rest.isEmpty {
                    let written = Glibc.write(descriptor, rest.baseAddress, rest.count)
                    if written < 0, errno == EINTR { continue }
                    // Nobody reads any more. Trading goes on without a log.
                    guard written > 0 else { return }
                    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
                }
            }
        }
    }

    fileprivate func setBuffering(_ isBuffering: Bool) {
        state.withLock { $0.isBuffering = isBuffering }
        if !isBuffering { flush() }
    }
}

/// Lets lines wait for each other while it runs, so that a line under load costs no system call of its own.
///
/// After an orderly end nothing is missing. `kill -9` loses the log's last moments, never an order: what happened to orders is in
/// the store and its journal.
struct LogFlusher: Service {
    static let interval = Duration.milliseconds(50)

    let output: LogOutput
    let clock: any TradingClock

    func run() async throws {
        output.setBuffering(true)
        defer { output.setBuffering(false) }
        try await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do { try await clock.sleep(for: Self.interval) } catch { return }
                output.flush()
            }
        }
    }
}

/// The program's logger: JSON lines, or text on a terminal.
func makeLogger(level: Logger.Level, clock: any TradingClock, output: LogOutput = LogOutput()) -> Logger {
    let isTerminal = isatty(STDOUT_FILENO) == 1
    return Logger(label: "turnstile") { label in
        isTerminal
            ? TextLogHandler(level: level, clock: clock, output: output) as any LogHandler
            : JSONLogHandler(label: label, level: level, clock: clock, output: output)
    }
}
