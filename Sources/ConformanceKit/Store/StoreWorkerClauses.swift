import LockContract
import StoreContract
import TradingModel

/// SC-19: who may work beside whom.
enum StoreWorkerClauses {
    private static func open(_ session: StoreSession, _ worker: WorkerRecord) async throws {
        _ = try await session.store.openTenure(
            TenureRequest(
                account: "a1", owner: "o", holder: worker.holder, leaseFence: FencingToken(epoch: 1, counter: 1),
                configurationHash: worker.configurationHash, at: StoreSession.start))
    }

    private static func expectMixed(_ session: StoreSession, _ worker: WorkerRecord, _ what: String) async throws {
        try await session.expectFailure(.mixedVersions, what) { try await open(session, worker) }
    }

    static let all: [StoreClause] = [
        StoreClause("SC-19.heartbeat", "a worker that was heard is live until it stops, and again when it is heard again") { session in
            let none = try await session.store.workers()
            let (a, b) = (session.worker("a"), session.worker("b", after: 1))
            for worker in [b, a, a] { try await session.store.heartbeat(worker) }
            let both = try await session.store.workers()
            try expect(none.isEmpty && both.map(\.holder.gateway) == ["a", "b"] && both.allSatisfy(\.isLive), "the workers are \(both)")
            try expect(both.first?.holder == a.holder && both.first?.programVersion == "1" && both.first?.configurationHash == "c" && both.first?.startedAt == a.startedAt, "a worker came back as \(both)")
            try expect(both.allSatisfy { $0.schemaVersion >= 1 }, "the store does not tell its schema's version")
            for _ in 0..<2 { try await session.store.stopWorker(b.holder, at: StoreSession.start + .seconds(9)) }
            let stopped = try await session.store.workers().last
            try expect(stopped?.isLive == false && stopped?.stoppedAt == StoreSession.start + .seconds(9), "the stopped one is \(String(describing: stopped))")
            try await session.store.heartbeat(b)
            let again = try await session.store.workers()
            try expect(again.allSatisfy(\.isLive), "heard again it is \(again)")
        },
        StoreClause("SC-19.configuration", "beside an older live worker with another configuration no tenure is opened; the older one goes on (Q18)") { session in
            let old = session.worker("old")
            let new = session.worker("new", after: 5, configuration: "d")
            try await session.store.heartbeat(old)
            try await expectMixed(session, new, "a tenure of one that has sent no heartbeat")
            try await session.store.heartbeat(new)
            try await expectMixed(session, new, "a tenure of the newer one")
            try await open(session, old)
            // A successor of the same gateway is no other one.
            try await open(session, session.worker("old", after: 9, configuration: "d"))
            try await session.store.stopWorker(old.holder, at: StoreSession.start)
            try await open(session, new)
            let last = try await session.store.lastJournalSequence()
            try expect(last == 3, "\(last) tenures were opened")
        },
        StoreClause("SC-19.program", "the same for another program") { session in
            let old = session.worker("old")
            let new = session.worker("new", after: 5, version: "2")
            for worker in [old, new] { try await session.store.heartbeat(worker) }
            try await expectMixed(session, new, "a tenure with another program")
            try await open(session, old)
            try await session.store.stopWorker(old.holder, at: StoreSession.start)
            try await open(session, new)
        },
        StoreClause("SC-19.alike", "gateways that are alike work beside each other") { session in
            let workers = (0..<4).map { session.worker("g\($0)", after: Int64($0)) }
            for worker in workers { try await session.store.heartbeat(worker) }
            for worker in workers.reversed() { try await open(session, worker) }
        },
    ]
}

extension StoreSession {
    /// A gateway's process on this machine.
    func worker(_ gateway: String, after seconds: Int64 = 0, configuration: String = "c", version: String = "1") -> WorkerRecord {
        WorkerRecord(
            holder: HolderIdentity(
                gateway: gateway, host: "h", processID: 1, processStart: 2, bootID: HolderIdentity.current(gateway: "", purpose: "").bootID,
                purpose: "gateway"), programVersion: version, configurationHash: configuration, startedAt: Self.start + .seconds(seconds))
    }
}
