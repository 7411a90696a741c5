import Foundation
import GRDB
import LockContract
import StoreContract
import StoreKit
import Testing
import TradingModel

@testable import SQLiteStore

@Suite struct PermitTests {
    @Test func `a permit commits the attempt with the complete order, once`() async throws {
        try await StoreFixture.run { fixture async throws in
            let tenure = try await fixture.openTenure()
            let id = try await fixture.admitOrder("a")
            guard case .granted(let permit, let record) = try await fixture.permit(id, under: tenure) else { throw StoreError.refused("") }
            #expect(permit.attempt == 1 && permit.order.quantity == 2)
            #expect(record.state == .permitted && record.version == 2 && record.quantity == 2)
            let snapshot = try #require(try await fixture.store.order(id))
            #expect(snapshot.order == record)
            #expect(snapshot.attempts.map(\.number) == [1])
            #expect(snapshot.attempts.first?.holder == holder)
            #expect(snapshot.attempts.first?.notAfterMonotonic == permit.notAfter)
            await expectFailure(\.isRefused) { try await fixture.permit(id, under: tenure) }
        }
    }

    @Test func `a hundred permits for one order at once grant one`() async throws {
        try await StoreFixture.run { fixture async throws in
            let tenure = try await fixture.openTenure()
            let id = try await fixture.admitOrder("a")
            let granted = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<100 { group.addTask { (try? await fixture.permit(id, under: tenure)) != nil } }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(granted == 1)
            #expect(try await fixture.count("attempts") == 1)
        }
    }

    @Test func `a stale tenure changes no row, whether it lost by number, by owner or by its end`() async throws {
        try await StoreFixture.run { fixture async throws in
            let old = try await fixture.openTenure(owner: "old")
            let id = try await fixture.admitOrder("a")
            let current = try await fixture.openTenure(owner: "new")
            #expect(current.fence > old.fence)
            let impostor = Tenure(account: "a1", fence: current.fence, owner: "old", holder: holder, openedAt: start)
            let before = try await fixture.store.lastJournalSequence()
            for tenure in [old, impostor] {
                await expectFailure(\.isFenced) { try await fixture.permit(id, under: tenure) }
                let error = await failure {
                    try await fixture.store.update(id, under: tenure, at: start) { snapshot in
                        var order = snapshot.order
                        order.detail = "changed"
                        return OrderChange(order: order)
                    }
                }
                #expect(error?.isFenced == true)
                try await fixture.store.closeTenure(tenure, at: start)
            }
            #expect(try await fixture.store.lastJournalSequence() == before)
            #expect(try await fixture.store.order(id)?.order.version == 1)
            try await fixture.store.closeTenure(current, at: start)
            await expectFailure(\.isFenced) { try await fixture.permit(id, under: current) }
        }
    }

    @Test func `a fence rises over close and reopening, and an unclosed predecessor is told`() async throws {
        try await StoreFixture.run { fixture async throws in
            let first = try await fixture.openTenure()
            try await fixture.store.closeTenure(first, at: start)
            func open(_ owner: OwnerToken) async throws -> (tenure: Tenure, unclosedPredecessor: Tenure?) {
                try await fixture.store.openTenure(
                    TenureRequest(
                        account: "a1", owner: owner, holder: holder, leaseFence: first.fence, configurationHash: "c", at: start))
            }
            let second = try await open("two")
            #expect(second.unclosedPredecessor == nil)
            let third = try await open("three")
            #expect(third.unclosedPredecessor == second.tenure)
            #expect([first.fence.counter, second.tenure.fence.counter, third.tenure.fence.counter] == [1, 2, 3])
        }
    }

    @Test func `an order that is not the recorded one is refused`() async throws {
        try await StoreFixture.run { fixture async throws in
            let tenure = try await fixture.openTenure()
            let id = try await fixture.admitOrder("a")
            let foreign = await failure {
                _ = try await fixture.store.permit(request(id, tenure)) { .grant(completed($0.order, clientOrderID: "other"), notes: []) }
            }
            #expect(foreign?.isRefused == true)
            await expectFailure(\.isRefused) { try await fixture.permit(id, under: tenure, at: start + .seconds(60)) }
            let elsewhere = try await fixture.openTenure("a2")
            await expectFailure(\.isRefused) { try await fixture.permit(id, under: elsewhere) }
            #expect(try await fixture.count("attempts") == 0)
        }
    }

    @Test func `after proven absence the same quantity is permitted again, and only with a recorded outcome`() async throws {
        try await StoreFixture.run { fixture async throws in
            let tenure = try await fixture.openTenure()
            let id = try await fixture.admitOrder("a")
            try await fixture.permit(id, under: tenure)
            // The state alone is not enough: the open attempt is in the way.
            try await fixture.store.update(id, under: tenure, at: start) { snapshot in
                var order = snapshot.order
                order.state = .absent
                return OrderChange(order: order)
            }
            await expectFailure(\.isRefused) { try await fixture.permit(id, under: tenure) }
            try await fixture.store.update(id, under: tenure, at: start) { snapshot in
                var attempt = snapshot.attempts[0]
                attempt.outcome = "not_sent"
                attempt.endedAt = start
                return OrderChange(order: snapshot.order, attempts: [attempt])
            }
            let other = await failure {
                _ = try await fixture.store.permit(request(id, tenure)) { .grant(completed($0.order, quantity: 3), notes: []) }
            }
            #expect(other?.isRefused == true)
            guard case .granted(let permit, _) = try await fixture.permit(id, under: tenure) else { throw StoreError.refused("") }
            #expect(permit.attempt == 2)
        }
    }

    @Test func `waiting writes nothing, closing ends the order with its reason`() async throws {
        try await StoreFixture.run { fixture async throws in
            let tenure = try await fixture.openTenure()
            let id = try await fixture.admitOrder("a")
            let before = try await fixture.store.lastJournalSequence()
            guard case .waiting("busy") = try await fixture.store.permit(request(id, tenure), deciding: { _ in .wait(reason: "busy") })
            else { throw StoreError.refused("") }
            #expect(try await fixture.store.lastJournalSequence() == before)
            let filled = await failure {
                _ = try await fixture.store.permit(request(id, tenure)) { _ in .close(.filled, reason: "r", detail: "d") }
            }
            #expect(filled?.isRefused == true)
            guard case .closed(let record) = try await fixture.store.permit(
                request(id, tenure), deciding: { _ in .close(.skipped, reason: "cooldown", detail: "too soon") })
            else { throw StoreError.refused("") }
            #expect(record.state == .skipped && record.reason == "cooldown")
            #expect(try await fixture.store.openOrders(of: "a1").isEmpty)
            #expect(try await fixture.store.journal(of: "sig-a").map(\.type) == ["signal.received", "order.queued", "order.skipped"])
        }
    }

    @Test func `the facts tell trades, unsettled orders and open quantities of others`() async throws {
        try await StoreFixture.run { fixture async throws in
            let tenure = try await fixture.openTenure()
            let working = try await fixture.admitOrder("working") { $0.side = .sell }
            let unsettled = try await fixture.admitOrder("unsettled")
            try await fixture.admitOrder("waiting")
            try await fixture.admitOrder("other") { $0.symbol = "ETHUSDT" }
            for id in [working, unsettled, "ord-other"] { try await fixture.permit(id, under: tenure) }
            try await fixture.store.update(working, under: tenure, at: start + .seconds(5)) { snapshot in
                var order = snapshot.order
                order.state = .partiallyFilled
                order.filledQuantity = 1
                order.filledAt = start + .seconds(5)
                let position = PositionRecord(
                    account: "a1", symbol: "BTCUSDT", quantity: -1, averagePrice: 1, realizedProfit: 0, updatedAt: start)
                return OrderChange(order: order, newFills: [aFill("e1")], position: position)
            }
            let id = try await fixture.admitOrder("asking")
            let seen = Seen()
            _ = try await fixture.store.permit(request(id, tenure)) { facts in
                seen.set(facts)
                return .wait(reason: "")
            }
            let facts = try #require(seen.facts)
            #expect(facts.unsettled == [unsettled])
            #expect(facts.openSellQuantity == 1 && facts.openBuyQuantity == 2)
            #expect(facts.lastTradeID == working && facts.lastTradeAt == start + .seconds(5))
            #expect(facts.position?.quantity == -1)
            #expect(facts.entryOfSameSignal == nil)
        }
    }

    @Test func `of several orders that are proven absent the oldest waits for none of the others`() {
        func unsettled(_ state: OrderState) -> [OrderID] {
            var order = anOrder("b")
            order.state = state
            let others = ["ord-a", "ord-c"].map { WorkingOrder(id: OrderID($0), side: .buy, state: .absent, unfilled: 1, role: nil, onlyReduces: false, intent: nil) }
            return PermitFacts(
                now: start, order: order, attempts: [], position: nil, lastTrade: nil, others: others, entryOfSameSignal: nil, legs: [],
                predecessor: nil, episode: nil
            ).unsettled
        }
        #expect(unsettled(.absent) == ["ord-a"])
        #expect(unsettled(.queued) == ["ord-a", "ord-c"])
    }
}

import Synchronization

final class Seen: Sendable {
    private let value = Mutex<PermitFacts?>(nil)
    func set(_ facts: PermitFacts) { value.withLock { $0 = facts } }
    var facts: PermitFacts? { value.withLock { $0 } }
}
