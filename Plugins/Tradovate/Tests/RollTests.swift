import AdapterKit
import Testing
import TradingModel

@testable import Tradovate

/// Which contract a continuous symbol means, at the edges of the roll.
@Suite struct RollTests {
    private func maturity(_ id: Int64, _ expiration: String, isFront: Bool = false) throws -> TradovateMaturity {
        try TradovateMaturity(
            .object(["id": .integer(id), "productId": 772, "expirationDate": .string(expiration), "isFront": .boolean(isFront)]))
    }

    private func quarters() throws -> [TradovateMaturity] {
        [
            try maturity(3, "2027-06-18T13:30:00.000Z"), try maturity(1, "2026-12-18T14:30:00.000Z"),
            try maturity(2, "2027-03-19T13:30:00.000Z", isFront: true),
        ]
    }

    private func time(_ text: String) throws -> Timestamp { try #require(Timestamp(rfc3339: text)) }

    @Test(arguments: [
        ("2026-12-13T14:29:59.999Z", 1 as Int64), ("2026-12-13T14:30:00.000Z", 2), ("2026-12-18T14:30:00.000Z", 2),
        ("2027-03-14T13:29:59.999Z", 2), ("2027-03-14T13:30:00.000Z", 3),
    ])
    func `five days before the expiry, to the millisecond, the next contract counts`(_ now: String, _ expected: Int64) throws {
        #expect(RollRule.daysBeforeExpiry(5).choose(1, from: try quarters(), at: try time(now))?.id == expected)
    }

    @Test func `without days the contract counts until it expires`() throws {
        let rule = RollRule.daysBeforeExpiry(0)
        #expect(rule.choose(1, from: try quarters(), at: try time("2026-12-18T14:29:59.999Z"))?.id == 1)
        #expect(rule.choose(1, from: try quarters(), at: try time("2026-12-18T14:30:00.000Z"))?.id == 2)
    }

    @Test func `the second place is the one after the front, and beyond the row there is nothing`() throws {
        let now = try time("2026-11-21T00:00:00Z")
        let rule = RollRule.daysBeforeExpiry(5)
        #expect(rule.choose(2, from: try quarters(), at: now)?.id == 2)
        #expect(rule.choose(3, from: try quarters(), at: now)?.id == 3)
        #expect(rule.choose(4, from: try quarters(), at: now) == nil)
        #expect(rule.choose(1, from: [], at: now) == nil)
        #expect(rule.choose(1, from: try quarters(), at: try time("2028-01-01T00:00:00Z")) == nil)
    }

    @Test func `the venue's own front is taken only if asked for`() throws {
        let now = try time("2026-11-21T00:00:00Z")
        #expect(RollRule.venueFront.choose(1, from: try quarters(), at: now)?.id == 2)
        #expect(RollRule.venueFront.choose(2, from: try quarters(), at: now)?.id == 3)
    }

    @Test(arguments: ["0d_before_expiry", "5d_before_expiry", "60d_before_expiry", "venue_front"])
    func `a rule reads back as it was written`(_ text: String) { #expect(RollRule(text)?.description == text) }

    @Test(arguments: ["", "5d", "-1d_before_expiry", "61d_before_expiry", "d_before_expiry", "5 d_before_expiry", "front"])
    func `what is no rule is refused`(_ text: String) { #expect(RollRule(text) == nil) }

    @Test func `a continuous symbol is a root, a place and an exclamation mark`() {
        #expect(ContinuousSymbol("MNQ1!")?.root == "MNQ")
        #expect(ContinuousSymbol("6E2!")?.root == "6E")
        #expect(ContinuousSymbol("6E2!")?.position == 2)
        for text in ["MNQZ6", "MNQ!", "MNQ0!", "1!", "!", "MNQ1"] { #expect(ContinuousSymbol(Symbol(text)) == nil, "\(text)") }
    }
}
