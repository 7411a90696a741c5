import GRDB
import StoreContract

extension StoreError {
    /// A broken constraint or trigger is a refusal; everything else leaves open what is on the disk.
    init(storing error: any Error) {
        switch error {
        case let error as StoreError: self = error
        case let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT: self = .refused(error.message ?? "constraint failed")
        case let error as DatabaseError: self = .unavailable("SQLite error \(error.extendedResultCode.rawValue): \(error.message ?? "no message")")
        case is CancellationError: self = .unavailable("the caller was cancelled")
        default: self = .unavailable("\(error)")
        }
    }
}
