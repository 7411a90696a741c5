import StoreContract
import TradingModel

/// SC-01 to SC-03: what is stored of a signal, and what a copy is.
enum StoreAdmissionClauses {
    static let all: [StoreClause] = [
        StoreClause("SC-01.whole", "a signal and its order come back as they were stored, also through a second process' handle") { session in
            var signal = session.signal("a", body: "{\"text\":\"é ☂ \\u0000 '\\\" \\\\ %\"}")
            signal.firedAt = StoreSession.start - .seconds(3)
            signal.traceparent = "00-ab-cd-01"
            var order = session.order("a")
            order.policy = OrderPolicy(cooldown: .milliseconds(1500), longOnly: true, observed: ["cooldown"])
            order.requestedQuantity = try Quantity("0.12345678901234567891")
            order.limitPrice = try Price("0.00000001")
            order.referencePrice = try Price("12345678901234567890.5")
            _ = try await session.store.admit(Admission(signal: signal, orders: [order], window: .zero, rate: nil))
            try await session.withSecond { second in
                let found = try await second.signal("sig-a")
                try expect(found == signal, "the signal came back as \(String(describing: found))")
                let snapshot = try await second.order("ord-a")
                try expect(snapshot?.order == order, "the order came back as \(String(describing: snapshot?.order))")
                let open = try await second.openOrders(of: "a1")
                let byID = try await second.order(account: "a1", clientOrderID: "c-a")
                let accounts = try await second.accountsWithOpenOrders()
                try expect(open == [order] && byID == order && accounts == ["a1"], "a query does not find the order")
            }
        },
        StoreClause("SC-01.all-or-none", "a signal of whose orders one is refused leaves nothing behind") { session in
            for (name, change) in broken {
                var second = session.order("b", of: "a")
                second.leg = 1
                change(&second)
                let admission = Admission(signal: session.signal("a"), orders: [session.order("a"), second], window: .zero, rate: nil)
                try await session.expectFailure(.refused, "an order with \(name)") { _ = try await session.store.admit(admission) }
            }
            let signals = try await session.place.count("signals")
            let orders = try await session.place.count("orders")
            let last = try await session.store.lastJournalSequence()
            try expect(signals == 0 && orders == 0 && last == 0, "\(signals) signals, \(orders) orders, \(last) lines were left")
        },
        StoreClause("SC-01.fan-out", "a signal with a hundred orders is stored whole, in their order (K16)") { session in
            let orders = (0..<100).map { number in
                var order = session.order("a\(number)", of: "a", account: AccountID("acc\(number % 7)"))
                order.leg = number
                return order
            }
            let result = try await session.store.admit(Admission(signal: session.signal("a"), orders: orders, window: .zero, rate: nil))
            try expect(result == .admitted, "not admitted: \(result)")
            let found = try await session.store.orders(OrderQuery(signalID: "sig-a", limit: 1000))
            try expect(found.map(\.id) == orders.reversed().map(\.id), "the orders are not listed newest first, each once")
            try await session.expectWholeJournal()
        },
        StoreClause("SC-02.hundred-at-once", "a hundred copies at once over two processes store one signal and one order (K01)") { session in
            try await session.withSecond { second in
                let results = await session.atOnce(100) { number in
                    var signal = session.signal("x\(number)", key: StoreSession.key("same"))
                    signal.id = SignalID("sig-x\(number)")
                    let admission = Admission(signal: signal, orders: [session.order("x\(number)")], window: .seconds(300), rate: nil)
                    return try await (number % 2 == 0 ? session.store : second).admit(admission)
                }
                if let error = results.firstError() { throw ClauseFailure("an admission failed: \(error)") }
                let answers = results.successes()
                try expect(answers.count { $0 == .admitted } == 1, "\(answers.count { $0 == .admitted }) were admitted")
                let told = Set(answers.compactMap { if case .duplicate(let first, let answer) = $0 { "\(first) \(answer.body)" } else { nil } })
                try expect(told.count == 1, "the copies got \(told.count) answers")
                let stored = try await session.store.signals(before: nil, limit: 10)
                let orders = try await session.place.count("orders")
                try expect(stored.count == 1 && orders == 1, "\(stored.count) signals and \(orders) orders are stored")
                try expect(stored.first?.copies == 99, "\(stored.first?.copies ?? -1) copies were counted")
                try await session.expectWholeJournal()
            }
        },
        StoreClause("SC-02.for-ever", "an explicit key never acts twice, however the clocks stand (K08, K12)") { session in
            try await session.admit("a")
            for days in [0, 1, 400, 36500, -1, -36500] as [Int64] {
                let copy = session.signal("c\(days)", key: StoreSession.key("key-a"), at: StoreSession.start + .seconds(days * 86400))
                let result = try await session.store.admit(Admission(signal: copy, orders: [], window: .seconds(1), rate: nil))
                try expect(result == .duplicate(first: "sig-a", StoredAnswer(status: 202, body: "answer-a")), "after \(days) days: \(result)")
            }
        },
        StoreClause("SC-02.window", "a derived key acts again after its window, counted from the first receipt") { session in
            func admit(_ name: String, after seconds: Int64) async throws -> AdmissionResult {
                let signal = session.signal(name, key: StoreSession.key("d", isExplicit: false), at: StoreSession.start + .seconds(seconds))
                return try await session.store.admit(Admission(signal: signal, orders: [session.order(name)], window: .seconds(300), rate: nil))
            }
            let steps: [(String, Int64, first: String?)] = [
                ("1", 0, nil), ("2", 200, "1"), ("3", 299, "1"), ("4", -50, "1"), ("5", 300, nil), ("6", 301, "5"), ("7", 599, "5"), ("8", 600, nil),
            ]
            for (name, seconds, first) in steps {
                let result = try await admit(name, after: seconds)
                let expected = first.map { AdmissionResult.duplicate(first: SignalID("sig-\($0)"), StoredAnswer(status: 202, body: "answer-\($0)")) } ?? .admitted
                try expect(result == expected, "after \(seconds) s: \(result)")
            }
            let occurrence = try await session.store.signal("sig-8")?.occurrence
            try expect(occurrence == 3, "the third occurrence has number \(occurrence ?? 0)")
        },
        StoreClause("SC-02.scope", "one key in two sources is two signals (K09)") { session in
            let key = StoreSession.key("k")
            for source in ["one", "two"] as [SourceID] {
                let result = try await session.store.admit(
                    Admission(signal: session.signal("\(source)", key: key, source: source), orders: [], window: .zero, rate: nil))
                try expect(result == .admitted, "\(source): \(result)")
            }
        },
        StoreClause("SC-02.key-limits", "keys that differ in one digit are two, and another spelling of a key is refused (K11)") { session in
            let first = StoreSession.hash("a")
            let keys = [first, String(first.dropLast()) + (first.last == "0" ? "1" : "0"), (first.first == "0" ? "1" : "0") + first.dropFirst()]
            for (number, hash) in keys.enumerated() {
                let signal = session.signal("\(number)", key: SignalKey(hash: hash, isExplicit: true))
                let result = try await session.store.admit(Admission(signal: signal, orders: [], window: .zero, rate: nil))
                try expect(result == .admitted, "key \(number): \(result)")
                let found = try await session.store.signal(signal.id)?.key.hash
                try expect(found == hash, "key \(number) came back otherwise")
            }
            for wrong in ["", "a", first.uppercased(), String(first.dropLast()), first + "0", "'; DROP TABLE signals; --", String(repeating: "g", count: 64)] {
                let signal = session.signal("wrong", key: SignalKey(hash: wrong, isExplicit: true))
                try await session.expectFailure(.refused, "the key \(wrong)") {
                    _ = try await session.store.admit(Admission(signal: signal, orders: [], window: .zero, rate: nil))
                }
            }
        },
        StoreClause("SC-02.text", "texts come back byte for byte, whatever is in them (K11)") { session in
            let texts = [
                "'; DROP TABLE signals; --", "\"", "\\", "\\x00", "%", "_", "$1", "?", "é", "e\u{301}", "\u{1F600}", "\n\r\t", "{}", "{\"a\"}", "NULL", "\u{1}\u{7F}",
                String(repeating: "x", count: 70_000),
            ]
            for (number, text) in texts.enumerated() {
                var signal = session.signal("\(number)", source: SourceID(text))
                signal.body = text
                signal.clientAddress = text
                let result = try await session.store.admit(Admission(signal: signal, orders: [], window: .zero, rate: RateRule(key: text, limit: 1, interval: .seconds(1))))
                try expect(result == .admitted, "text \(number): \(result)")
                let found = try await session.store.signal(signal.id)
                try expect(
                    found?.body.unicodeScalars.elementsEqual(text.unicodeScalars) == true && found?.source.rawValue.unicodeScalars.elementsEqual(text.unicodeScalars) == true,
                    "text \(number) came back otherwise")
                let again = try await session.store.recall(signal, window: .zero)
                try expect(again == .duplicate(first: signal.id, signal.answer), "text \(number) is not found again: \(String(describing: again))")
            }
        },
        StoreClause("SC-03.recall", "the duplicate check alone counts a copy, tells a conflict, and stores nothing for a new signal") { session in
            let none = try await session.store.recall(session.signal("a"), window: .seconds(300))
            try await session.admit("a")
            let copy = try await session.store.recall(session.signal("a"), window: .seconds(300))
            let other = try await session.store.recall(session.signal("a", body: "other"), window: .seconds(300))
            try expect(none == nil && copy == .duplicate(first: "sig-a", StoredAnswer(status: 202, body: "answer-a")) && other == .conflict(first: "sig-a"), "it said \(String(describing: copy)), \(String(describing: other))")
            let derived = session.signal("d", key: StoreSession.key("d", isExplicit: false))
            _ = try await session.store.admit(Admission(signal: derived, orders: [], window: .seconds(10), rate: nil))
            var later = derived
            later.receivedAt = StoreSession.start + .seconds(10)
            let anew = try await session.store.recall(later, window: .seconds(10))
            let copies = try await session.store.signal("sig-a")?.copies
            let stored = try await session.place.count("signals")
            try expect(anew == nil && copies == 1 && stored == 2, "\(String(describing: anew)), \(copies ?? -1) copies, \(stored) signals")
            let types = try await session.store.journal(of: "sig-a").map(\.type)
            try expect(types == ["signal.received", "order.queued", "signal.duplicate"], "the journal has \(types)")
        },
        StoreClause("SC-03.same-answer", "a copy gets the stored first answer byte for byte, and is counted with its request (K07)") { session in
            var first = session.signal("a")
            first.answer = StoredAnswer(status: 207, body: "{\"e\":\"é\u{301} ☂\\n\"}\n\t ")
            _ = try await session.store.admit(Admission(signal: first, orders: [], window: .zero, rate: nil))
            for number in 1...3 {
                let copy = session.signal("c\(number)", key: first.key)
                let result = try await session.store.admit(Admission(signal: copy, orders: [session.order("c\(number)")], window: .zero, rate: nil))
                guard case .duplicate("sig-a", let answer) = result else { throw ClauseFailure("a copy is \(result)") }
                try expect(answer.status == 207 && Array(answer.body.utf8) == Array(first.answer.body.utf8), "the answer is \(answer)")
            }
            let stored = try await session.store.signal("sig-a")
            let lines = try await session.store.journal(of: "sig-a")
            try expect(stored?.copies == 3, "\(stored?.copies ?? -1) copies were counted")
            try expect(lines.map(\.type) == ["signal.received"] + Array(repeating: "signal.duplicate", count: 3), "the journal has \(lines.map(\.type))")
            try expect(lines.last?.data.contains("r-c3") == true, "the line of a copy does not name its request")
        },
        StoreClause("SC-03.conflict", "an explicit key with another payload is a conflict and changes nothing (K03)") { session in
            try await session.admit("a")
            let before = try await session.store.lastJournalSequence()
            let other = session.signal("b", key: StoreSession.key("key-a"), body: "other")
            let result = try await session.store.admit(Admission(signal: other, orders: [session.order("b")], window: .seconds(1), rate: nil))
            try expect(result == .conflict(first: "sig-a"), "it was \(result)")
            let after = try await session.store.lastJournalSequence()
            let stored = try await session.store.signal("sig-a")
            try expect(after == before && stored?.copies == 0, "something was written")
        },
    ]

    /// Orders that no store may take with a new signal.
    private static let broken: [(String, @Sendable (inout OrderRecord) -> Void)] = [
        ("a known id", { $0.id = "ord-a" }), ("a known client order id", { $0.clientOrderID = "c-a" }),
        ("a known leg", { $0.leg = 0 }), ("no price", { $0.limitPrice = nil }), ("a price of zero", { $0.limitPrice = 0 }),
        ("a negative quantity", { $0.requestedQuantity = -1 }), ("another signal", { $0.signalID = "sig-z" }),
        ("a permit", { $0.attempts = 1 }), ("a later version", { $0.version = 2 }), ("a fill", { $0.filledQuantity = 1 }),
        ("an accepted state", { $0.state = .accepted }), ("no reason for its end", { $0.state = .skipped }),
        ("a stop price that it does not need", { $0.stopPrice = 1 }),
    ]
}
