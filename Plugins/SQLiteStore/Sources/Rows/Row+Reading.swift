import GRDB
import StoreKit

extension Row: ColumnSource {
    public func storedText(_ column: Int) -> String? { self[column] }
    public func storedInteger(_ column: Int) -> Int64? { self[column] }
    public func storedFlag(_ column: Int) -> Bool { self[column] }
}
