import ConformanceKit
import StoreContract
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

    static let all: [StoreBug] = [
        StoreBug("a copy becomes a signal of its own", caughtBy: "SC-02.for-ever") {
            StoreHooks(admit: { base, admission throws(StoreError) in
                var wrong = admission
                wrong.signal.key = SignalKey(hash: "\(admission.signal.key.hash)-\(admission.signal.id)", isExplicit: true)
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
        StoreBug("keys are compared without regard to case", caughtBy: "SC-02.key-limits") {
            StoreHooks(admit: { base, admission throws(StoreError) in
                var wrong = admission
                wrong.signal.key = SignalKey(hash: admission.signal.key.hash.lowercased(), isExplicit: admission.signal.key.isExplicit)
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
        StoreBug("nobody is told of commits", caughtBy: "SC-18.told") { StoreHooks(commits: { _ in AsyncStream { $0.finish() } }) },
        StoreBug("an alert's severity falls", caughtBy: "SC-16.alerts") {
            StoreHooks(raise: { base, alert, at throws(StoreError) in
                try await base.resolveAlert(type: alert.type, subject: alert.subject, at: at)
                try await base.raise(alert, at: at)
            })
        },
        StoreBug("health is said without a commit", caughtBy: "SC-17.health") { StoreHooks(health: { _ throws(StoreError) in }) },
        StoreBug("closing leaves everything open", caughtBy: "SC-14.closed") { StoreHooks(close: { _ in }) },
    ]

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

    @Test func `clause ids are unique, and every clause of the contract that one store alone can show has its check`() throws {
        let ids = StoreConformance.clauses.map(\.id)
        #expect(Set(ids).count == ids.count)
        // SC-13 needs a lost connection or disk: each store's own tests.
        #expect(Set(ids.map { String($0.prefix(5)) }) == Set((1...18).map { "SC-\($0 < 10 ? "0" : "")\($0)" }).subtracting(["SC-13"]))
        #expect(Set(StoreBug.all.map(\.name)).count == StoreBug.all.count)
    }
}
