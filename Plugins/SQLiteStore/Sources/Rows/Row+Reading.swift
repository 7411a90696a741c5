import Foundation
import GRDB
import StoreContract
import StoreKit
import TradingModel

extension Row {
    func identifier<I: Identifier>(_ index: Int, as type: I.Type = I.self) -> I { I(rawValue: self[index] as String) }

    func optionalIdentifier<I: Identifier>(_ index: Int, as type: I.Type = I.self) -> I? {
        (self[index] as String?).map { I(rawValue: $0) }
    }

    func decimal<D: ExactDecimal>(_ index: Int, as type: D.Type = D.self) throws -> D {
        try D(self[index] as String)
    }

    func optionalDecimal<D: ExactDecimal>(_ index: Int, as type: D.Type = D.self) throws -> D? {
        try (self[index] as String?).map { try D($0) }
    }

    func time(_ index: Int) -> Timestamp { Timestamp(microseconds: self[index] as Int64) }

    func optionalTime(_ index: Int) -> Timestamp? { (self[index] as Int64?).map { Timestamp(microseconds: $0) } }

    func word<W: RawRepresentable<String>>(_ index: Int, as type: W.Type = W.self) throws -> W {
        let text: String = self[index]
        guard let word = W(rawValue: text) else { throw UnreadableValue("unknown \(W.self) in the store: \(text.prefix(40))") }
        return word
    }

    func optionalWord<W: RawRepresentable<String>>(_ index: Int, as type: W.Type = W.self) throws -> W? {
        (self[index] as String?) == nil ? nil : try word(index)
    }

    func hash(_ index: Int) -> String { StoredHash.hex(Array(self[index] as Data)) }
}
