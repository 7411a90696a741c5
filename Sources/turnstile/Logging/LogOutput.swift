import Foundation
import Logging
import Synchronization
import TradingModel

#if canImport(Glibc)
    import Glibc
#endif

/// A file descriptor that takes one whole line at a time: standard output unless told otherwise.
final class LogOutput: Sendable {
    private let descriptor: Int32
    /// Held while a line goes out, so that lines of several threads do not mix.
    private let lock = Mutex(())

    init(descriptor: Int32 = STDOUT_FILENO) { self.descriptor = descriptor }

    func write(_ line: String) {
        var line = line
        line.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            lock.withLock { _ in
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
}

/// The program's logger: JSON lines, or text on a terminal.
func makeLogger(level: Logger.Level, clock: any TradingClock) -> Logger {
    let output = LogOutput()
    let isTerminal = isatty(STDOUT_FILENO) == 1
    return Logger(label: "turnstile") { label in
        isTerminal
            ? TextLogHandler(level: level, clock: clock, output: output) as any LogHandler
            : JSONLogHandler(label: label, level: level, clock: clock, output: output)
    }
}
