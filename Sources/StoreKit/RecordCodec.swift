import Foundation

/// Records that are read and written whole, as JSON with sorted keys.
public enum RecordCodec {
    public static func text(_ record: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(record), as: UTF8.self)
    }

    public static func read<R: Decodable>(_ text: String) throws -> R { try JSONDecoder().decode(R.self, from: Data(text.utf8)) }
}
