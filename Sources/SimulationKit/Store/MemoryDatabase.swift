import OrderFlow
import StoreContract
import StoreKit
import Synchronization
import TradingModel

/// One committed transaction, for those who check what must hold.
struct CommittedWork {
    let name: String
    let before: MemoryState
    let after: MemoryState
    /// Where the transaction's lines begin in the journal.
    let lines: ArraySlice<JournalEntry>
}

/// A database in memory that several stores share, as several processes share a file: each work is a transaction, done whole or not at all.
final class MemoryDatabase: Sendable {
    private struct Inside {
        var state = MemoryState()
        var journal: [JournalEntry] = []
        var chain = JournalChain()
        var handles: [Int: MemoryStore] = [:]
        var nextHandle = 0
    }
    private let inside: Mutex<Inside>
    /// Lines are hashed and their JSON is read; otherwise only numbered.
    let isVerifying: Bool
    /// The server's own boot clock.
    let clock: @Sendable () -> Duration
    /// Called after each commit, outside of the transaction.
    let onCommit: (@Sendable (CommittedWork) -> Void)?

    init(isVerifying: Bool, plants: Set<Plant> = [], clock: @escaping @Sendable () -> Duration, onCommit: (@Sendable (CommittedWork) -> Void)? = nil) {
        self.isVerifying = isVerifying
        self.clock = clock
        self.onCommit = onCommit
        var state = MemoryState()
        state.plants = plants
        inside = Mutex(Inside(state: state))
    }

    // MARK: Transactions

    func write<T: Sendable>(_ name: String, by handle: Int, _ work: (inout MemoryState) throws -> T) -> Result<T, StoreError> {
        let (result, committed): (Result<T, StoreError>, CommittedWork?) = inside.withLock { inside in
            let before = inside.state
            let mark = inside.journal.count
            let chain = inside.chain
            do {
                inside.state.lines = []
                inside.state.touched = []
                inside.state.worksUnder = nil
                let value = try work(&inside.state)
                try append(&inside)
                return (.success(value), CommittedWork(name: name, before: before, after: inside.state, lines: inside.journal[mark...]))
            } catch {
                inside.state = before
                inside.journal.removeLast(inside.journal.count - mark)
                inside.chain = chain
                return (.failure(error as? StoreError ?? .unavailable("\(error)")), nil)
            }
        }
        if let committed {
            if !committed.lines.isEmpty { tell(of: handle) }
            onCommit?(committed)
        }
        return result
    }

    private func append(_ inside: inout Inside) throws(StoreError) {
        for (draft, at) in inside.state.lines {
            if isVerifying {
                do { _ = try StrictJSON.parse(Array(draft.data.utf8)) } catch { throw .refused("a line's data is no JSON: \(draft.data.prefix(80))") }
                inside.chain.append(draft, at: at)
            }
            inside.journal.append(
                JournalEntry(
                    sequence: Int64(inside.journal.count + 1), at: at, type: draft.type, signalID: draft.signalID, orderID: draft.orderID, account: draft.account,
                    data: draft.data, hash: isVerifying ? StoredHash.hex(inside.chain.hash) : ""))
        }
        inside.state.lines = []
    }

    func read<T>(_ body: (MemoryState, [JournalEntry]) throws -> T) rethrows -> T {
        let (state, journal) = inside.withLock { ($0.state, $0.journal) }
        return try body(state, journal)
    }

    /// Changes what is stored behind the stores' backs.
    func tamper(_ body: (inout MemoryState, inout [JournalEntry]) -> Void) {
        inside.withLock { inside in body(&inside.state, &inside.journal) }
    }

    // MARK: Handles

    func add(_ store: (Int) -> MemoryStore) -> MemoryStore {
        let number = inside.withLock { inside in
            inside.nextHandle += 1
            return inside.nextHandle
        }
        let store = store(number)
        inside.withLock { $0.handles[number] = store }
        return store
    }

    func remove(_ number: Int) { inside.withLock { _ = $0.handles.removeValue(forKey: number) } }

    private func tell(of handle: Int) {
        let (handles, last) = inside.withLock { ($0.handles.sorted { $0.key < $1.key }, Int64($0.journal.count)) }
        for (number, store) in handles { store.heard(last, isOwn: number == handle) }
    }
}
