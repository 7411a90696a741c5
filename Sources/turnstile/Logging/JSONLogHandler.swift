import Foundation
import Logging
import TradingModel

/// One JSON object a line: `timestamp`, `level`, `logger`, `message`, `error`, and `metadata` as an object of texts.
struct JSONLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    var logLevel: Logger.Level
    private let label: String
    private let clock: any TradingClock
    private let output: LogOutput

    init(label: String, level: Logger.Level, clock: any TradingClock, output: LogOutput) {
        self.label = label
        logLevel = level
        self.clock = clock
        self.output = output
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line = JSONLine()
        line.add("{\"timestamp\":\"")
        line.add(plain: clock.wallTime.description)
        line.add("\",\"level\":\"")
        line.add(plain: event.level.rawValue)
        line.add("\",\"logger\":")
        line.add(quoted: label)
        line.add(",\"message\":")
        line.add(quoted: event.message.description)
        if let error = event.error {
            line.add(",\"error\":")
            line.add(quoted: "\(error)")
        }
        let all = mergedMetadata(event)
        if !all.isEmpty {
            line.add(",\"metadata\":")
            write(all, to: &line)
        }
        line.add("}\n")
        output.write(line.bytes, isUrgent: event.level >= .notice)
    }

    private func write(_ values: Logger.Metadata, to line: inout JSONLine) {
        line.add("{")
        var isFirst = true
        for (key, value) in values.sorted(by: { $0.key < $1.key }) {
            if !isFirst { line.add(",") }
            isFirst = false
            line.add(quoted: key)
            line.add(":")
            write(value, to: &line)
        }
        line.add("}")
    }

    private func write(_ value: Logger.MetadataValue, to line: inout JSONLine) {
        switch value {
        case .string(let text): line.add(quoted: text)
        case .stringConvertible(let value): line.add(quoted: value.description)
        case .array(let values):
            line.add("[")
            for (index, value) in values.enumerated() {
                if index > 0 { line.add(",") }
                write(value, to: &line)
            }
            line.add("]")
        case .dictionary(let values): write(values, to: &line)
        }
    }
}

/// `05:06:07.008 info   order filled account=spot1`, for people who watch.
struct TextLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    var logLevel: Logger.Level
    private let clock: any TradingClock
    private let output: LogOutput

    init(level: Logger.Level, clock: any TradingClock, output: LogOutput) {
        logLevel = level
        self.clock = clock
        self.output = output
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let time = clock.wallTime.description.dropFirst(11).dropLast()
        let level = "\(event.level)".padding(toLength: 8, withPad: " ", startingAt: 0)
        var line = "\(time) \(level) \(event.message)"
        if let error = event.error { line += " error=\(error)" }
        for (key, value) in mergedMetadata(event).sorted(by: { $0.key < $1.key }) { line += " \(key)=\(value)" }
        // A line break in a value would let one event look like two.
        output.write(line.replacing("\n", with: "\\n").replacing("\r", with: "\\r") + "\n")
    }
}

extension LogHandler {
    fileprivate func mergedMetadata(_ event: LogEvent) -> Logger.Metadata {
        if metadata.isEmpty, metadataProvider == nil, let own = event.metadata { return own }
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { _, new in new } }
        if let own = event.metadata { all.merge(own) { _, new in new } }
        return all
    }
}
