import Foundation
import StoreContract

/// Records that a store keeps as one text beside the columns that it looks at.
public enum RecordText {
    public static func write(_ record: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(record), as: UTF8.self)
    }

    public static func read<T: Decodable>(_ text: String, as type: T.Type = T.self) throws -> T { try JSONDecoder().decode(type, from: Data(text.utf8)) }
}
