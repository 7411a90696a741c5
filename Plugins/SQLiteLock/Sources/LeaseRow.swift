import GRDB
import LockContract
import TradingModel

/// One resource's row. Instants are microseconds on the boot clock of the boot that `bootID` names.
struct LeaseRow {
    enum State: String { case held, released, forced }

    var resource: LockResource
    var counter: Int64
    var state: State
    var owner: OwnerToken
    var predecessorExpired: Bool
    var bootID: String
    var grantedAt: MonotonicInstant
    var expiresAt: MonotonicInstant
    var holder: HolderIdentity

    /// Whether the lease is still running. One from another boot is not: the clock that timed it started anew.
    func isLive(at now: MonotonicInstant, bootID current: String) -> Bool {
        state == .held && bootID == current && expiresAt > now
    }

    static let columns = """
        resource, counter, state, owner, predecessor_expired, boot_id, granted_at, expires_at, gateway, host, process_id, process_start, \
        process_boot_id, purpose
        """

    init(
        resource: LockResource, counter: Int64, owner: OwnerToken, predecessorExpired: Bool, bootID: String, grantedAt: MonotonicInstant,
        expiresAt: MonotonicInstant, holder: HolderIdentity
    ) {
        self.resource = resource
        self.counter = counter
        state = .held
        self.owner = owner
        self.predecessorExpired = predecessorExpired
        self.bootID = bootID
        self.grantedAt = grantedAt
        self.expiresAt = expiresAt
        self.holder = holder
    }

    init(row: Row) throws {
        guard let state = State(rawValue: row[2]) else { throw DatabaseError(message: "unknown state of a lease") }
        resource = LockResource(rawValue: row[0])
        counter = row[1]
        self.state = state
        owner = OwnerToken(rawValue: row[3])
        predecessorExpired = row[4]
        bootID = row[5]
        grantedAt = MonotonicInstant(sinceBoot: .microseconds(row[6] as Int64))
        expiresAt = MonotonicInstant(sinceBoot: .microseconds(row[7] as Int64))
        holder = HolderIdentity(
            gateway: row[8], host: row[9], processID: row[10], processStart: UInt64(bitPattern: row[11] as Int64), bootID: row[12],
            purpose: row[13])
    }

    static func find(_ db: Database, _ resource: LockResource) throws -> LeaseRow? {
        let statement = try db.cachedStatement(sql: "SELECT \(columns) FROM leases WHERE resource = ?")
        return try Row.fetchOne(statement, arguments: [resource.rawValue]).map { try LeaseRow(row: $0) }
    }

    /// Those whose name starts with `prefix`, whatever characters it has.
    static func all(_ db: Database, prefix: String) throws -> [LeaseRow] {
        let statement = try db.cachedStatement(
            sql: "SELECT \(columns) FROM leases WHERE substr(resource, 1, ?) = ? ORDER BY resource")
        return try Row.fetchAll(statement, arguments: [prefix.unicodeScalars.count, prefix]).map { try LeaseRow(row: $0) }
    }

    func save(_ db: Database) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO leases (\(Self.columns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (resource) DO UPDATE SET counter = excluded.counter, state = excluded.state, owner = excluded.owner,
                predecessor_expired = excluded.predecessor_expired, boot_id = excluded.boot_id, granted_at = excluded.granted_at,
                expires_at = excluded.expires_at, gateway = excluded.gateway, host = excluded.host, process_id = excluded.process_id,
                process_start = excluded.process_start, process_boot_id = excluded.process_boot_id, purpose = excluded.purpose
                """
        ).execute(arguments: [
            resource.rawValue, counter, state.rawValue, owner.rawValue, predecessorExpired, bootID,
            grantedAt.sinceBoot.wholeMicroseconds, expiresAt.sinceBoot.wholeMicroseconds, holder.gateway, holder.host, holder.processID,
            Int64(bitPattern: holder.processStart), holder.bootID, holder.purpose,
        ])
    }
}
