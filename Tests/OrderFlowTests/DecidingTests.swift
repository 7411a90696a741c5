import BrokerContract
import Foundation
import OrderFlow
import StoreContract
import Testing
import TradingModel

@Suite struct DecidingTests {
    private let half = Quantity(Decimal(string: "0.5") ?? 0)
    private let person = Deciding.Operator(actor: "ada", reason: "looked at the venue's page")

    private func parked(reason: String = "parked", filled: Quantity = .zero) -> OrderSnapshot {
        var order = sampleOrder(state: .parked, attempts: 1)
        order.reason = reason
        order.filledQuantity = filled
        return OrderSnapshot(order: order, attempts: [attempt(outcome: "unknown")], fills: [], position: nil)
    }

    private func decide(_ decision: ParkedDecision, _ snapshot: OrderSnapshot, _ answer: Deciding.VenueAnswer) -> OrderChange? {
        Deciding.change(decision, of: snapshot, answer, by: person, base: "BTC", at: start)
    }

    @Test func `an adopted order is what the venue shows, with its fills in the position`() throws {
        let change = try #require(decide(.adopt, parked(), .found(report(.filled, filled: 1), fills: [fill("a", 1)])))
        #expect(change.order.state == .filled && change.position?.quantity == 1)
        let first = try #require(change.journal.first)
        #expect(first.type == "order.decided")
        for word in ["\"decision\":\"adopt\"", "\"actor\":\"ada\"", "looked at the venue's page", "found as"] { #expect(first.data.contains(word)) }
    }

    @Test func `an order that is at the venue is neither sent again nor abandoned`() {
        for decision in [ParkedDecision.resend, .abandon] {
            let found = Deciding.VenueAnswer.found(report(.accepted), fills: [])
            #expect(Deciding.objection(decision, to: parked().order, found) != nil)
            #expect(decide(decision, parked(), found) == nil)
        }
    }

    @Test func `a resend makes the order absent, and needs the venue's word that it is not there`() {
        for complete in [true, false] {
            let released = decide(.resend, parked(), .notFound(complete: complete))
            #expect(released?.order.state == .absent && released?.order.reason == "released_by_operator")
        }
        #expect(decide(.resend, parked(), .noAnswer("timed out")) == nil)
        #expect(decide(.adopt, parked(), .notFound(complete: true)) == nil)
    }

    @Test func `an abandoned order has ended, also when the venue cannot be asked`() {
        for answer in [Deciding.VenueAnswer.notFound(complete: true), .noAnswer("maintenance")] {
            let ended = decide(.abandon, parked(), answer)
            #expect(ended?.order.state == .abandoned && ended?.order.detail?.contains("ada") == true)
        }
    }

    @Test func `what has traded can only be adopted`() {
        for decision in [ParkedDecision.resend, .abandon] { #expect(decide(decision, parked(filled: 1), .notFound(complete: true)) == nil) }
    }

    @Test func `a foreign order is adopted once it has ended, with what it did, and never one of another instrument`() {
        let foreign = parked(reason: Deciding.foreign)
        #expect(decide(.adopt, foreign, .found(report(.accepted, quantity: 2), fills: [])) == nil)
        let less = decide(.adopt, foreign, .found(report(.filled, filled: half, quantity: half), fills: [fill("a", half)]))
        #expect(less?.order.state == .cancelled && less?.order.filledQuantity == half)
        #expect(decide(.adopt, foreign, .found(report(.filled, filled: 1, side: .sell), fills: [])) == nil)
        #expect(decide(.abandon, foreign, .found(report(.accepted, quantity: 2), fills: []))?.order.state == .abandoned)
    }

    @Test(arguments: OrderState.allCases.filter { $0 != .parked })
    func `nothing but a parked order is decided`(_ state: OrderState) {
        var snapshot = parked()
        snapshot.order.state = state
        for decision in ParkedDecision.allCases { #expect(decide(decision, snapshot, .notFound(complete: true)) == nil) }
    }
}
