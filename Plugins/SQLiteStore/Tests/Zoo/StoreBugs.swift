import ConformanceKit
import LockContract
import StoreContract
import StoreKit
import Synchronization
import Testing
import TradingModel

/// A store made wrong on purpose, and the clause that must catch it.
struct StoreBug: Sendable, CustomStringConvertible {
    let name: String
    let owner: String
    let makeHooks: @Sendable () -> StoreHooks
    var description: String { name }

    init(_ name: String, caughtBy owner: String, _ makeHooks: @escaping @Sendable () -> StoreHooks) {
        self.name = name
        self.owner = owner
        self.makeHooks = makeHooks
    }

    /// The tenures that were opened last, for bugs that do not look at the presented one.
    private final class Latest: Sendable {
        private let tenures = Mutex<[AccountID: Tenure]>([:])
        func note(_ tenure: Tenure) { tenures.withLock { $0[tenure.account] = tenure } }
        func of(_ tenure: Tenure) -> Tenure { tenures.withLock { $0[tenure.account] } ?? tenure }
    }

    static let all: [StoreBug] = single + shared + episodes

    private static let episodes: [StoreBug] = [
        StoreBug("only active episodes are open", caughtBy: "SC-22.states") { StoreHooks(episodes: { $0.filter { $0.state == .active } }) },
        StoreBug("an episode's steps are forgotten", caughtBy: "SC-22.tend") {
            StoreHooks(episodeWork: { work in
                var wrong = work
                wrong.steps = []
                return wrong
            })
        },
        StoreBug("the gateway's own orders are not told", caughtBy: "SC-22.tend") {
            StoreHooks(episodeFacts: { facts in
                var wrong = facts
                wrong.own = []
                return wrong
            })
        },
        StoreBug("a fill can be taken back twice", caughtBy: "SC-23.bust") {
            StoreHooks(takeBack: { base, real throws(StoreError) in
                do throws(StoreError) { return try await real() } catch {
                    guard case .refused = error, let position = try await base.positions(account: nil).first else { throw error }
                    return position
                }
            })
        },
    ]

    private static let single: [StoreBug] = [
        StoreBug("a copy becomes a signal of its own", caughtBy: "SC-02.for-ever") {
            StoreHooks(admit: { base, admission throws(StoreError) in
                var wrong = admission
                wrong.signal.key = SignalKey(hash: JournalHash.sha256("\(admission.signal.key.hash)-\(admission.signal.id)"), isExplicit: true)
                return try await base.admit(wrong)
            })
        },
        StoreBug("a named key is forgotten after its window", caughtBy: "SC-02.for-ever") {
            StoreHooks(admit: { base, admission throws(StoreError) in
                var wrong = admission
                wrong.signal.key = SignalKey(hash: admission.signal.key.hash, isExplicit: false)
                return try await base.admit(wrong)
            })
        },
        StoreBug("keys of different sources are one", caughtBy: "SC-02.scope") {
            StoreHooks(admit: { base, admission throws(StoreError) in
                var wrong = admission
                wrong.signal.source = "all"
                return try await base.admit(wrong)
            })
        },
        StoreBug("of a key the last digit is not looked at", caughtBy: "SC-02.key-limits") {
            StoreHooks(admit: { base, admission throws(StoreError) in
                var wrong = admission
                wrong.signal.key = SignalKey(hash: admission.signal.key.hash.dropLast() + "0", isExplicit: admission.signal.key.isExplicit)
                return try await base.admit(wrong)
            })
        },
        StoreBug("a derived key acts once for ever", caughtBy: "SC-02.window") {
            StoreHooks(admit: { base, admission throws(StoreError) in
                var wrong = admission
                wrong.window = .seconds(1_000_000)
                return try await base.admit(wrong)
            })
        },
        StoreBug("another payload under a known key passes for a copy", caughtBy: "SC-03.conflict") {
            StoreHooks(admit: { base, admission throws(StoreError) in
                let result = try await base.admit(admission)
                guard case .conflict(let first) = result else { return result }
                return .duplicate(first: first, StoredAnswer(status: 202, body: ""))
            })
        },
        StoreBug("a copy gets an answer made anew", caughtBy: "SC-03.same-answer") {
            StoreHooks(admit: { base, admission throws(StoreError) in
                let result = try await base.admit(admission)
                guard case .duplicate(let first, _) = result else { return result }
                return .duplicate(first: first, admission.signal.answer)
            })
        },
        StoreBug("the rate is not looked at", caughtBy: "SC-04.window") {
            StoreHooks(admit: { base, admission throws(StoreError) in
                var wrong = admission
                wrong.rate = nil
                return try await base.admit(wrong)
            })
        },
        StoreBug("a broken limiter is taken for a free one", caughtBy: "SC-04.broken-limiter") {
            StoreHooks(admit: { base, admission throws(StoreError) in
                do throws(StoreError) { return try await base.admit(admission) } catch {
                    guard case .limiterUnavailable = error else { throw error }
                    var free = admission
                    free.rate = nil
                    return try await base.admit(free)
                }
            })
        },
        StoreBug("orders that are refused are left out of their signal", caughtBy: "SC-01.all-or-none") {
            StoreHooks(admit: { base, admission throws(StoreError) in
                do throws(StoreError) { return try await base.admit(admission) } catch {
                    var part = admission
                    part.orders = Array(admission.orders.prefix(1))
                    return try await base.admit(part)
                }
            })
        },
        StoreBug("an unclosed predecessor is not told", caughtBy: "SC-05.rises") {
            StoreHooks(openTenure: { base, request throws(StoreError) in (tenure: try await base.openTenure(request).tenure, unclosedPredecessor: nil) })
        },
        StoreBug("closing a tenure does nothing", caughtBy: "SC-05.rises") { StoreHooks(closeTenure: { _, _, _ throws(StoreError) in }) },
        StoreBug("a permit does not look at the fence", caughtBy: "SC-06.stale") {
            let latest = Latest()
            return StoreHooks(
                openTenure: { base, request throws(StoreError) in
                    let opened = try await base.openTenure(request)
                    latest.note(opened.tenure)
                    return opened
                },
                permit: { base, request, decide throws(StoreError) in
                    try await base.permit(
                        PermitRequest(
                            orderID: request.orderID, tenure: latest.of(request.tenure), now: request.now, notAfter: request.notAfter,
                            notAfterWall: request.notAfterWall), deciding: decide)
                })
        },
        StoreBug("a change does not look at the fence", caughtBy: "SC-06.stale") {
            let latest = Latest()
            return StoreHooks(
                openTenure: { base, request throws(StoreError) in
                    let opened = try await base.openTenure(request)
                    latest.note(opened.tenure)
                    return opened
                }, updateTenure: { _, tenure throws(StoreError) in latest.of(tenure) })
        },
        StoreBug("a permit is decided before its transaction", caughtBy: "SC-06.decided-inside") {
            StoreHooks(permit: { base, request, decide throws(StoreError) in
                let verdict = VerdictBox()
                _ = try await base.permit(request) { facts in
                    verdict.set(decide(facts))
                    return .wait(reason: "")
                }
                let decided = verdict.value
                return try await base.permit(request) { _ in decided }
            })
        },
        StoreBug("fills are not stored", caughtBy: "SC-08.whole") {
            StoreHooks(change: { change, _ in
                var wrong = change
                wrong.newFills = []
                wrong.position = nil
                return wrong
            })
        },
        StoreBug("how an attempt ended is not stored", caughtBy: "SC-08.whole") {
            StoreHooks(change: { change, _ in
                var wrong = change
                wrong.attempts = []
                return wrong
            })
        },
        StoreBug("a late fill is dropped", caughtBy: "SC-09.ended") {
            StoreHooks(change: { change, snapshot in snapshot.order.state.isTerminal && change.order.state == snapshot.order.state ? nil : change })
        },
        StoreBug("a known fill is passed over in silence", caughtBy: "SC-09.fills-once") {
            StoreHooks(change: { change, snapshot in
                var wrong = change
                wrong.newFills.removeAll { fill in snapshot.fills.contains { $0.executionID == fill.executionID } }
                return wrong
            })
        },
        StoreBug("fills come sorted by their id", caughtBy: "SC-09.fill-order") {
            StoreHooks(snapshot: { snapshot in
                var wrong = snapshot
                wrong.fills.sort { $0.executionID < $1.executionID }
                return wrong
            })
        },
        StoreBug("parked orders are not open", caughtBy: "SC-10.open") { StoreHooks(openOrders: { $0.filter { $0.state != .parked } }) },
        StoreBug("lists come oldest first", caughtBy: "SC-10.lists") { StoreHooks(orders: { $0.reversed() }) },
        StoreBug("a signal's lines are everybody's", caughtBy: "SC-11.read") {
            StoreHooks(journalOfSignal: { base, _ throws(StoreError) in try await base.journal(after: 0, limit: 1000) })
        },
        StoreBug("the journal is whole without looking", caughtBy: "SC-11.changed") { StoreHooks(verify: { _ throws(StoreError) in nil }) },
        StoreBug("nobody is told of commits", caughtBy: "SC-17.own") { StoreHooks(commits: { _ in AsyncStream { $0.finish() } }) },
        StoreBug("an alert's severity falls", caughtBy: "SC-11.alerts") {
            StoreHooks(raise: { base, alert, at throws(StoreError) in
                try await base.resolveAlert(type: alert.type, subject: alert.subject, at: at)
                try await base.raise(alert, at: at)
            })
        },
        StoreBug("health is said without a commit", caughtBy: "SC-01.health") { StoreHooks(health: { _ throws(StoreError) in }) },
        StoreBug("closing leaves everything open", caughtBy: "SC-14.closed") { StoreHooks(close: { _ in }) },
    ]

    /// What several gateways share.
    private static let shared: [StoreBug] = [
        StoreBug("a recalled signal is always new", caughtBy: "SC-03.recall") { StoreHooks(recall: { _, _ throws(StoreError) in nil }) },
        StoreBug("the work waits newest first", caughtBy: "SC-18.claim") {
            StoreHooks(claim: { base, accounts, limit throws(StoreError) in
                Array(try await base.claim(of: accounts, limit: 10_000).reversed().prefix(limit))
            })
        },
        StoreBug("whatever is open is claimed", caughtBy: "SC-18.claim") {
            StoreHooks(claim: { base, accounts, limit throws(StoreError) in
                var found: [OrderRecord] = []
                for account in accounts { found += try await base.openOrders(of: account) }
                return Array(found.prefix(limit))
            })
        },
        StoreBug("a claim takes the work away", caughtBy: "SC-18.takes-nothing") {
            let taken = Taken()
            return StoreHooks(claim: { base, accounts, limit throws(StoreError) in
                taken.fresh(try await base.claim(of: accounts, limit: limit))
            })
        },
        StoreBug("a queue forgets when its oldest came", caughtBy: "SC-18.queues") {
            StoreHooks(queues: { queues in
                queues.map { queue in
                    var wrong = queue
                    wrong.oldestCreatedAt = Timestamp(microseconds: 0)
                    return wrong
                }
            })
        },
        StoreBug("nobody is told of others' commits", caughtBy: "SC-17.others") { StoreHooks(others: { _ in AsyncStream { $0.finish() } }) },
        StoreBug("a worker that stopped is never live again", caughtBy: "SC-19.heartbeat") {
            StoreHooks(heartbeat: { base, worker throws(StoreError) in
                let isKnown = try await base.workers().contains { $0.holder.processKey == worker.holder.processKey }
                if !isKnown { try await base.heartbeat(worker) }
            })
        },
        StoreBug("a newer worker with another configuration pushes the older one out", caughtBy: "SC-19.configuration") {
            StoreHooks(openTenure: { base, request throws(StoreError) in
                do throws(StoreError) { return try await base.openTenure(request) } catch {
                    guard case .mixedVersions = error else { throw error }
                    for worker in try await base.workers() where worker.holder.gateway != request.holder.gateway {
                        try await base.stopWorker(worker.holder, at: request.at)
                    }
                    return try await base.openTenure(request)
                }
            })
        },
        StoreBug("programs are not compared", caughtBy: "SC-19.program") {
            StoreHooks(heartbeat: { base, worker throws(StoreError) in
                var wrong = worker
                wrong.programVersion = "any"
                try await base.heartbeat(wrong)
            })
        },
        StoreBug("one death counts again and again", caughtBy: "SC-20.dead") {
            let count = Count()
            return StoreHooks(predecessor: { tenure in
                let number = count.next()
                let fence = FencingToken(epoch: tenure.fence.epoch, counter: tenure.fence.counter + 1000 * number)
                return Tenure(account: tenure.account, fence: fence, owner: tenure.owner, holder: tenure.holder, openedAt: tenure.openedAt)
            })
        },
        StoreBug("a dead letter is permitted without a person", caughtBy: "SC-20.dead") {
            StoreHooks(permit: { base, request, decide throws(StoreError) in
                if try await base.deadLetters().contains(where: { $0.order.id == request.orderID }) {
                    _ = try await base.decide(request.orderID, .replay, by: "nobody", reason: "", at: request.now)
                }
                return try await base.permit(request, deciding: decide)
            })
        },
        StoreBug("what is discarded waits again", caughtBy: "SC-20.discard") {
            StoreHooks(decide: { base, order, _, actor, reason, at throws(StoreError) in
                try await base.decide(order, .replay, by: actor, reason: reason, at: at)
            })
        },
        StoreBug("a decision does not say whose it is", caughtBy: "SC-20.replay") {
            StoreHooks(decide: { base, order, decision, _, _, at throws(StoreError) in
                try await base.decide(order, decision, by: "somebody", reason: "none", at: at)
            })
        },
        StoreBug("an entry is stored without its legs", caughtBy: "SC-16.whole") {
            StoreHooks(admit: { base, admission throws(StoreError) in
                var wrong = admission
                wrong.orders = admission.orders.filter { $0.bracketRole == nil }
                for index in wrong.orders.indices { wrong.orders[index].bracket = nil }
                return try await base.admit(wrong)
            })
        },
        StoreBug("legs stay behind when their entry changes", caughtBy: "SC-16.changes") {
            StoreHooks(change: { change, _ in
                var wrong = change
                wrong.legs = []
                return wrong
            })
        },
        StoreBug("an open quantity counts the legs", caughtBy: "SC-16.facts") {
            StoreHooks(permit: { base, request, decide throws(StoreError) in
                try await base.permit(request) { facts in
                    var wrong = facts
                    if !facts.openLegs.isEmpty { wrong.openSellQuantity += 4 }
                    return decide(wrong)
                }
            })
        },
        StoreBug("an adopted figure does not reach the ledger", caughtBy: "SC-21.once") {
            StoreHooks(reconciliation: { _, _, change in
                var wrong = change
                wrong.corrections = []
                return wrong
            })
        },
        StoreBug("what is refused of a comparison is left out, and the rest written", caughtBy: "SC-21.whole") {
            StoreHooks(reconcile: { base, request, decide throws(StoreError) in
                do throws(StoreError) { return try await base.reconcile(request, deciding: decide) } catch {
                    guard case .refused = error else { throw error }
                    return try await base.reconcile(request) { decide($0).map { ReconciliationChange(run: $0.run, external: $0.external) } }
                }
            })
        },
        StoreBug("a stale worker's comparison is written", caughtBy: "SC-21.fenced") {
            StoreHooks(reconcile: { base, request, decide throws(StoreError) in
                do throws(StoreError) { return try await base.reconcile(request, deciding: decide) } catch {
                    guard case .fenced(let account, _, _) = error else { throw error }
                    let again = TenureRequest(
                        account: account, owner: "pushy", holder: request.tenure.holder, leaseFence: request.tenure.fence, configurationHash: "c", at: request.now)
                    let tenure = try await base.openTenure(again).tenure
                    return try await base.reconcile(ReconciliationRequest(tenure: tenure, now: request.now, external: request.external), deciding: decide)
                }
            })
        },
        StoreBug("a second finding silently takes the place of the first", caughtBy: "SC-21.one") {
            StoreHooks(reconcile: { base, request, decide throws(StoreError) in
                do throws(StoreError) { return try await base.reconcile(request, deciding: decide) } catch {
                    guard case .refused = error else { throw error }
                    return nil
                }
            })
        },
        StoreBug("a comparison does not see what is not settled", caughtBy: "SC-21.facts") {
            StoreHooks(reconcile: { base, request, decide throws(StoreError) in
                try await base.reconcile(request) { facts in
                    var wrong = facts
                    wrong.unsettled = []
                    return decide(wrong)
                }
            })
        },
        StoreBug("an external order is new each time it is seen", caughtBy: "SC-21.kept") {
            StoreHooks(reconciliation: { _, _, change in
                var wrong = change
                for index in wrong.external.indices { wrong.external[index].firstSeenAt = wrong.external[index].lastSeenAt }
                return wrong
            })
        },
        StoreBug("a permit releases the account by itself", caughtBy: "SC-24.halt") {
            StoreHooks(permit: { base, request, decide throws(StoreError) in
                _ = try? await base.resume(request.tenure.account, by: "nobody", reason: "", at: request.now)
                return try await base.permit(request, deciding: decide)
            })
        },
        StoreBug("a release does not say whose it is", caughtBy: "SC-24.released") {
            StoreHooks(resume: { base, account, _, _, at throws(StoreError) in try await base.resume(account, by: "somebody", reason: "none", at: at) })
        },
        StoreBug("a halt is not shown", caughtBy: "SC-24.kept") { StoreHooks(halts: { _ in [] }) },
    ]

    private final class Count: Sendable {
        private let value = Mutex<Int64>(0)
        func next() -> Int64 {
            value.withLock { value in
                value += 1
                return value
            }
        }
    }

    /// Orders that were given out.
    private final class Taken: Sendable {
        private let ids = Mutex<Set<OrderID>>([])
        func fresh(_ orders: [OrderRecord]) -> [OrderRecord] { ids.withLock { ids in orders.filter { ids.insert($0.id).inserted } } }
    }

    private final class VerdictBox: Sendable {
        private let held = Mutex(PermitVerdict.wait(reason: ""))
        func set(_ verdict: PermitVerdict) { held.withLock { $0 = verdict } }
        var value: PermitVerdict { held.withLock { $0 } }
    }
}

/// The suite is tested: a clause that catches nothing is worth nothing.
@Suite struct StoreKillScore {
    @Test(arguments: StoreBug.all)
    func `a planted bug is caught by the clause that owns it`(_ bug: StoreBug) async throws {
        let clause = try #require(StoreConformance.clauses.first { $0.id == bug.owner })
        let result = await clause.check(ZooHarness(makeHooks: bug.makeHooks))
        #expect(result.isVerdict, "\(bug): \(bug.owner) says \(result)")
    }

    @Test func `clause ids are unique, and every clause of the contract has its check`() throws {
        let ids = StoreConformance.clauses.map(\.id)
        #expect(Set(ids).count == ids.count)
        #expect(Set(ids.map { String($0.prefix(5)) }) == Set((1...24).map { "SC-\($0 < 10 ? "0" : "")\($0)" }))
        #expect(Set(StoreBug.all.map(\.name)).count == StoreBug.all.count)
    }
}
