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
        var line = ""
        line.reserveCapacity(512)
        line += "{\"timestamp\":\""
        line += clock.wallTime.description
        line += "\",\"level\":\""
        line += event.level.rawValue
        line += "\",\"logger\":"
        line += jsonText(label)
        line += ",\"message\":"
        line += jsonText(event.message.description)
        if let error = event.error {
            line += ",\"error\":"
            line += jsonText("\(error)")
        }
        let all = mergedMetadata(event)
        if !all.isEmpty {
            line += ",\"metadata\":"
            write(all, to: &line)
        }
        line += "}\n"
        output.write(line, isUrgent: event.level >= .notice)
    }

    private func write(_ values: Logger.Metadata, to line: inout String) {
        line += "{"
        for (index, (key, value)) in values.sorted(by: { $0.key < $1.key }).enumerated() {
            if index > 0 { line += "," }
            line += jsonText(key)
            line += ":"
            write(value, to: &line)
        }
        line += "}"
    }

    private func write(_ value: Logger.MetadataValue, to line: inout String) {
        switch value {
        case .string(let text): line += jsonText(text)
        case .stringConvertible(let value): line += jsonText(value.description)
        case .array(let values):
            line += "["
            for (index, value) in values.enumerated() {
                if index > 0 { line += "," }
                write(value, to: &line)
            }
            line += "]"
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

/// A JSON string with its quotes.
func jsonText(_ text: String) -> String {
    // Nearly every text is plain; then it is copied whole.
    if text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C }) { return "\"" + text + "\"" }
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\t": result += "\\t"
        case let control where control.value < 0x20:
            let digits = String(control.value, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}
