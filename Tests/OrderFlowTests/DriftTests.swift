import BrokerContract
import OrderFlow
import StoreContract
import Testing
import TradingModel

/// What comparisons with the venue conclude, run after run.
@Suite struct DriftTests {
    /// The ledger, the findings and the halt as a store would keep them.
    private struct Book {
        var policy = DriftPolicy.alert
        var ledger: [PositionRecord] = []
        var unsettled: Set<Symbol> = []
        var findings: [DriftFinding] = []
        var external: [ExternalOrder] = []
        var halt: AccountHalt?
        var left: Set<String> = []
        var runs = 0
        var now = start

        mutating func hold(_ quantity: Quantity, of symbol: Symbol = "MNQZ6") {
            ledger.removeAll { $0.symbol == symbol }
            ledger.append(PositionRecord(account: "f1", symbol: symbol, quantity: quantity, averagePrice: 100, realizedProfit: 7, updatedAt: now))
        }

        /// One run, 30 s after the last.
        @discardableResult
        mutating func run(
            _ venue: [Position]?, isComplete: Bool = true, balances: [Asset: Quantity]? = nil, strangers: [ExternalOrder] = [], after: Duration = .seconds(30),
            before: [Symbol: Quantity]? = nil, change edit: (inout VenueView) -> Void = { _ in }
        ) -> ReconciliationChange {
            now = now + after
            var view = VenueView(
                run: ReconciliationRun(account: "f1", depth: .deep, trigger: "schedule", startedAt: now, endedAt: now, isComplete: isComplete), positions: venue,
                balances: balances, bases: ["BTC-USD": "BTC", "BTC-EUR": "BTC"],
                ledgerBefore: before ?? Dictionary(uniqueKeysWithValues: ledger.map { ($0.symbol, $0.quantity) }), strangers: strangers, hasAllOpenOrders: true)
            edit(&view)
            let run = ReconciliationRun(account: "f1", number: Int64(runs), depth: .deep, trigger: "", startedAt: now, endedAt: now, isComplete: true)
            let facts = ReconciliationFacts(
                now: now, account: "f1", positions: ledger, unsettled: unsettled, findings: findings.filter { $0.state != .resolved }, external: external,
                runs: [run], halt: halt, left: left)
            let change = Reconciling(policy: policy, confirmAfter: .seconds(2), order: Self.order).change(view, on: facts)
            runs += 1
            for finding in change.findings {
                findings.removeAll { $0.id == finding.id }
                findings.append(finding)
            }
            for correction in change.corrections { hold(correction.quantity, of: correction.symbol) }
            for order in change.external {
                external.removeAll { $0.key == order.key }
                external.append(order)
            }
            if let new = change.halt { halt = new }
            return change
        }

        static let order = DriftOrder(rules: .init(form: .token, maximumLength: 36)) { _ in "01M7YD7X0Y911ZVYD7Y59CYG57" }

        var open: [DriftFinding] { findings.filter { $0.state != .resolved } }
    }

    private func position(_ quantity: Quantity, _ symbol: Symbol = "MNQZ6", average: Price? = 120) -> Position {
        Position(symbol: symbol, quantity: quantity, averagePrice: average)
    }

    @Test func `equal figures find nothing`() {
        var book = Book()
        book.hold(2)
        for _ in 0..<3 {
            let change = book.run([position(2)])
            #expect(change.findings.isEmpty && change.alerts.isEmpty && change.journal.isEmpty)
        }
    }

    @Test func `a difference counts when a second complete run sees the same figures, and is told once with both`() throws {
        var book = Book()
        book.hold(2)
        #expect(book.run([position(5)]).alerts.isEmpty)
        #expect(book.open.map(\.state) == [.suspected])
        let second = book.run([position(5)])
        let alert = try #require(second.alerts.first)
        #expect(alert.type == "drift" && alert.message.contains("the ledger says 2, the venue 5"))
        #expect(second.journal.map(\.type) == ["reconcile.mismatch"])
        for _ in 0..<3 {
            let later = book.run([position(5)])
            #expect(later.alerts.isEmpty && later.journal.isEmpty && later.corrections.isEmpty)
        }
        #expect(book.open.map(\.state) == [.confirmed] && book.ledger.map(\.quantity) == [2])
    }

    @Test func `what the ledger does not know at all, and what the venue does not hold any more, are differences too`() {
        var book = Book()
        book.hold(3, of: "ESZ6")
        for _ in 0..<2 { book.run([position(-1)]) }
        #expect(Set(book.open.map { "\($0.subject) \($0.ledger) \($0.venue) \($0.state)" }) == ["ESZ6 3 0 confirmed", "MNQZ6 0 -1 confirmed"])
    }

    @Test func `other figures begin anew, and two runs at once count as one`() {
        var book = Book()
        book.hold(2)
        book.run([position(5)])
        book.run([position(6)])
        #expect(book.open.map(\.state) == [.suspected])
        book.run([position(6)], after: .milliseconds(1999))
        #expect(book.open.map(\.state) == [.suspected])
        book.run([position(6)], after: .milliseconds(1))
        #expect(book.open.map(\.state) == [.confirmed])
    }

    @Test func `after a clock was set back a difference needs two more runs, not the time by which it went back`() throws {
        var book = Book()
        book.run([position(1)])
        book.run([position(1)], after: .seconds(-3600))
        #expect(book.open.map(\.state) == [.suspected])
        #expect(book.run([position(1)]).alerts.map(\.type) == ["drift"])
        // What is confirmed stays so, whatever the clock says, and is not told again.
        #expect(book.run([position(1)], after: .seconds(-3600)).alerts.isEmpty)
        #expect(book.open.map(\.state) == [.confirmed])
    }

    /// Somebody buys what was adopted or left once more, before a comparison has seen that all agreed in between.
    @Test(arguments: [DriftPolicy.adopt, .flatten]) func `what was corrected and differs as before is another difference`(_ policy: DriftPolicy) throws {
        var book = Book(policy: policy)
        for _ in 0..<2 { book.run([position(1)]) }
        #expect(book.ledger.map(\.quantity) == [1])
        book.hold(0)
        book.run([position(1)])
        #expect(book.open.map(\.state) == [.suspected])
        let second = book.run([position(1)])
        #expect(second.corrections.map(\.quantity) == [1] && second.admissions.count == (policy == .flatten ? 1 : 0))
        book.left = Set(book.open.map(\.id))
        #expect(book.run([position(1)]).resolvedAlerts.contains(AlertKey(type: "drift", subject: "position:f1/MNQZ6")))
        #expect(book.open.isEmpty)
    }

    @Test func `an alert does not outlive the difference that came after the one it told of`() {
        var book = Book(policy: .alert)
        for _ in 0..<2 { book.run([position(1)]) }
        book.run([position(2)])
        #expect(book.open.map(\.state) == [.suspected])
        #expect(book.run([]).resolvedAlerts.contains(AlertKey(type: "drift", subject: "position:f1/MNQZ6")))
    }

    @Test func `nothing is concluded from a run that is not complete, nor without an answer about positions`() {
        var book = Book()
        book.hold(2)
        for _ in 0..<4 {
            let incomplete = book.run([position(5)], isComplete: false)
            #expect(incomplete.findings.isEmpty && incomplete.alerts.isEmpty)
            #expect(book.run(nil).findings.isEmpty)
        }
        // A failed run between two good ones neither counts nor breaks the row.
        book.run([position(5)])
        book.run([position(5)], isComplete: false)
        book.run([position(5)])
        #expect(book.open.map(\.state) == [.confirmed])
    }

    @Test(arguments: ["order", "fill", "ledger"])
    func `figures that are not at rest are not compared, and the row begins anew`(_ why: String) {
        var book = Book()
        book.policy = .adopt
        book.hold(2)
        func disturb(_ book: inout Book) {
            switch why {
            case "order":
                book.unsettled = ["MNQZ6"]
                book.run([position(5)])
                book.unsettled = []
            case "fill": book.run([position(5)]) { $0.unsettled = ["MNQZ6"] }
            default: book.run([position(5)], before: ["MNQZ6": 1])
            }
        }
        for _ in 0..<3 {
            book.run([position(5)])
            disturb(&book)
            #expect(book.open.isEmpty && book.ledger.map(\.quantity) == [2])
        }
        for _ in 0..<2 { book.run([position(5)]) }
        #expect(book.ledger.map(\.quantity) == [5])
    }

    @Test func `adopt corrects the ledger once, keeps its profit, and takes the venue's average price`() throws {
        var book = Book()
        book.policy = .adopt
        book.hold(2)
        book.run([position(5)])
        let change = book.run([position(5)])
        let correction = try #require(change.corrections.first)
        #expect(correction.quantity == 5 && correction.averagePrice == 120 && correction.realizedProfit == 7)
        #expect(change.journal.map(\.type) == ["reconcile.mismatch", "reconcile.adopted"])
        let next = book.run([position(5)])
        #expect(next.corrections.isEmpty && next.resolvedAlerts.contains(AlertKey(type: "drift", subject: "position:f1/MNQZ6")))
        #expect(book.open.isEmpty)
    }

    @Test func `flatten adopts the figure and makes one order that leaves it, and the finding stays until it is left`() throws {
        for (venue, part, side) in [(5, 1, .sell), (-5, -1, .buy)] as [(Quantity, Quantity, Side)] {
            var book = Book()
            book.policy = .flatten
            book.hold(2)
            book.run([position(venue)])
            let change = book.run([position(venue)])
            let order = try #require(change.admissions.first?.orders.first)
            #expect(change.admissions.count == 1 && book.ledger.map(\.quantity) == [venue])
            #expect(order.symbol == "MNQZ6" && order.side == side && order.reduceOnly && order.kind == .close && order.type == .market)
            #expect(change.admissions.first?.signal.key.isExplicit == true)
            // It waits, and then it is partly filled.
            for held in [venue, venue, part] {
                book.hold(held)
                let next = book.run([position(held)])
                #expect(next.admissions.isEmpty && !next.resolvedAlerts.contains { $0.type == "drift" } && book.open.map(\.state) == [.confirmed])
            }
            book.hold(0)
            #expect(book.run([]).resolvedAlerts.contains(AlertKey(type: "drift", subject: "position:f1/MNQZ6")) && book.open.isEmpty)
        }
    }

    @Test func `what a strategy holds after the order has filled is not for the finding to leave`() {
        var book = Book()
        book.policy = .flatten
        for _ in 0..<2 { book.run([position(5)]) }
        book.hold(2)
        book.run([position(2)])
        #expect(book.open.map(\.state) == [.confirmed])
        book.left = Set(book.open.map(\.id))
        let change = book.run([position(2)])
        #expect(change.resolvedAlerts.contains(AlertKey(type: "drift", subject: "position:f1/MNQZ6")) && book.open.isEmpty)
    }

    @Test func `flatten makes no order where the venue holds nothing`() {
        var book = Book()
        book.policy = .flatten
        book.hold(2)
        book.run([])
        #expect(book.run([]).admissions.isEmpty && book.ledger.map(\.quantity) == [0])
        book.run([])
        #expect(book.open.isEmpty)
    }

    @Test func `a position that is gone is adopted as flat, without an average price`() throws {
        var book = Book()
        book.policy = .adopt
        book.hold(2)
        for _ in 0..<2 { book.run([]) }
        #expect(book.ledger.map(\.quantity) == [0])
    }

    @Test func `halt halts once for several findings, and not again while the finding stays`() throws {
        var book = Book()
        book.policy = .halt
        book.hold(2)
        book.run([position(5), position(1, "ESZ6")])
        let change = book.run([position(5), position(1, "ESZ6")])
        #expect(change.halt?.cause == "drift" && change.alerts.count == 2 && change.corrections.isEmpty)
        book.halt = nil
        #expect(book.run([position(5), position(1, "ESZ6")]).halt == nil)
        // Other figures are another finding.
        for _ in 0..<2 { book.run([position(4), position(1, "ESZ6")]) }
        #expect(book.halt != nil)
    }

    @Test func `what agrees again is resolved with its alert`() {
        var book = Book()
        book.hold(2)
        for _ in 0..<2 { book.run([position(5)]) }
        let change = book.run([position(2)])
        #expect(change.resolvedAlerts.contains(AlertKey(type: "drift", subject: "position:f1/MNQZ6")) && change.journal.map(\.type) == ["reconcile.ok"])
        #expect(book.open.isEmpty)
    }

    @Test func `of balances only less than the ledger's is told, over all instruments of the asset, and never adopted`() {
        var book = Book()
        book.policy = .adopt
        book.hold(2, of: "BTC-USD")
        book.hold(3, of: "BTC-EUR")
        for total: Quantity in [5, 500] { for _ in 0..<2 { #expect(book.run(nil, balances: ["BTC": total]).findings.isEmpty) } }
        book.run(nil, balances: ["BTC": 4])
        let change = book.run(nil, balances: ["BTC": 4])
        #expect(change.alerts.map(\.type) == ["balance_drift"] && change.corrections.isEmpty)
        for _ in 0..<2 { book.run(nil, balances: [:]) }
        #expect(book.open.map { "\($0.kind) \($0.ledger) \($0.venue) \($0.action?.rawValue ?? "")" } == ["balance 5 0 alert"])
    }

    // MARK: Strangers

    private func stranger(_ id: VenueOrderID, client: ClientOrderID? = "web-1", _ status: VenueOrderStatus = .accepted, filled: Quantity = 0) -> ExternalOrder {
        let report = OrderReport(
            venueOrderID: id, clientOrderID: client, symbol: "MNQZ6", side: .buy, type: .limit, status: status, venueStatus: "W", quantity: 3,
            filledQuantity: filled, averagePrice: nil, updatedAt: start)
        return ExternalOrders.seen(report, account: "f1", rules: .init(form: .token, maximumLength: 36), at: start)
    }

    @Test func `an order that is not ours is told once, and kept as it was last seen`() {
        var book = Book()
        let first = book.run([], isComplete: false, strangers: [stranger("9")])
        #expect(first.alerts.map(\.type) == ["external_order"] && first.journal.map(\.type) == ["account.external_order"] && first.run?.externalOrders == 1)
        let same = book.run([], strangers: [stranger("9")])
        #expect(same.alerts.isEmpty && same.external.isEmpty && same.run?.externalOrders == 0)
        let filled = book.run([], strangers: [stranger("9", .filled, filled: 3)])
        #expect(filled.alerts.isEmpty && filled.external.map(\.filledQuantity) == [3])
        // A late list does not undo what is known.
        book.run([], strangers: [stranger("9")])
        #expect(book.external.map(\.status) == [.filled])
        #expect(book.run([]).resolvedAlerts == [AlertKey(type: "external_order", subject: "account:f1")])
    }

    @Test(arguments: ["ts-01ABC", "ts-x-sl"]) func `an order under an id like ours that the store does not know is critical`(_ id: String) {
        var book = Book()
        let change = book.run([], strangers: [stranger("9", client: ClientOrderID(id))])
        #expect(change.alerts.map(\.severity) == [.critical] && change.external.map(\.kind) == [.underOurPrefix])
    }

    @Test func `ids that are minted are told from others, in both forms`() {
        let token = ClientOrderIDRules(form: .token, maximumLength: 36)
        let uuid = ClientOrderIDRules(form: .uuid, maximumLength: 36)
        for rules in [token, uuid] {
            let id = Minting.clientOrderID(signal: "01J00000000000000000000000", strategy: "s", account: "a", leg: 0, rules: rules)
            #expect(Minting.looksMinted(id, rules: rules) && Minting.looksMinted(id.leg(.stopLoss), rules: rules), "\(id)")
        }
        for id: ClientOrderID in ["", "web_123", "x-A1B2", "0f0e2f9a-1b5d-4c3e-9f00-0123456789ab"] {
            #expect(!Minting.looksMinted(id, rules: token) && !Minting.looksMinted(id, rules: uuid), "\(id)")
        }
    }

    @Test func `a halted account's order waits, and is blocked when it is too old`() {
        let order = sampleOrder()
        var facts = PermitFacts(
            now: start, order: order, attempts: [], position: nil, lastTradeAt: nil, lastTradeID: nil, unsettled: [], entryOfSameSignal: nil,
            openSellQuantity: 0, openBuyQuantity: 0, halt: AccountHalt(account: "spot1", cause: "drift", detail: "5, not 2", since: start))
        let decision = PermitDecision(instrument: btc, capabilities: capabilities)
        #expect(decision.decide(facts) == .wait(reason: "account_halted"))
        facts.now = order.expiresAt
        guard case .close(.blocked, "account_halted", _) = decision.decide(facts) else {
            Issue.record("\(decision.decide(facts))")
            return
        }
        facts.now = start
        facts.halt = nil
        guard case .grant = decision.decide(facts) else {
            Issue.record("\(decision.decide(facts))")
            return
        }
    }
}
