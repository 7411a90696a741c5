/// What became of one step.
struct DemoLine: Sendable {
    let title: String
    let answers: [DemoClient.Answer]
    let orders: [DemoClient.Order]
    let venueOrders: Int
    /// What was not as it must be; empty if all was.
    let faults: [String]

    init(_ step: DemoStep, answers: [DemoClient.Answer], orders: [DemoClient.Order], venueOrders: Int, others: [String] = []) {
        title = step.title
        self.answers = answers
        self.orders = orders
        self.venueOrders = venueOrders
        let expected = step.expected
        var faults = others
        for answer in answers where answer.status != expected.status {
            faults.append("answered \(answer.status), not \(expected.status): \(answer.body.prefix(200))")
        }
        let verdicts = Dictionary(grouping: answers, by: \.verdict).mapValues(\.count)
        if verdicts != expected.verdicts { faults.append("verdicts \(verdicts), not \(expected.verdicts)") }
        if let state = expected.orderState {
            let accepted = expected.verdicts[.accepted] ?? 0
            if orders.count != accepted { faults.append("\(orders.count) orders, not \(accepted)") }
            for order in orders where order.status != state { faults.append("an order is \(order.status), not \(state)") }
        } else if !orders.isEmpty {
            faults.append("\(orders.count) orders where there must be none")
        }
        if venueOrders != expected.venueOrders { faults.append("\(venueOrders) orders at the venue, not \(expected.venueOrders)") }
        self.faults = faults
    }

    var cells: [String] {
        [
            title, Self.counted(answers.map { String($0.status) }), Self.counted(answers.map(\.words)),
            orders.isEmpty ? "-" : Self.counted(orders.map(Self.words)),
            String(venueOrders), faults.isEmpty ? "ok" : "WRONG",
        ]
    }

    private static func words(_ order: DemoClient.Order) -> String {
        guard order.status != "filled", let reason = order.reason else { return order.status }
        return "\(order.status): \(reason)"
    }

    /// `202 x4`, or `accepted x20, duplicate x20`.
    private static func counted(_ words: [String]) -> String {
        Dictionary(grouping: words, by: \.self).sorted { $0.key < $1.key }.map { $1.count == 1 ? $0 : "\($0) x\($1.count)" }.joined(separator: ", ")
    }
}

/// The demo's table and its summary.
struct DemoReport: Sendable {
    let lines: [DemoLine]
    /// Client order ids at the venue, repeats included.
    let venueOrders: [String]

    var isGood: Bool { lines.allSatisfy(\.faults.isEmpty) && doubleOrders == 0 && strayOrders == 0 }

    /// Orders at the venue beyond the first of each client order id.
    var doubleOrders: Int { venueOrders.count - Set(venueOrders).count }
    /// Orders at the venue that belong to no line.
    var strayOrders: Int { venueOrders.count - doubleOrders - Set(venueOrders).intersection(lines.flatMap { $0.orders.map(\.clientOrderID) }).count }

    var text: String {
        var table = TextTable(["what came in", "answer", "verdict", "order", "at the venue", "check"])
        for line in lines { table.add(line.cells) }
        let answers = lines.flatMap(\.answers)
        let count = { (verdict: DemoVerdict) in answers.count { $0.verdict == verdict } }
        let times = answers.map(\.elapsed).sorted()
        let summary =
            "\(answers.count) signals sent · \(venueOrders.count) orders at the venue · \(count(.duplicate)) duplicates · \(count(.refused)) refused"
            + " · \(doubleOrders) double orders · answer p50 \(Self.milliseconds(times, 50)) ms, p99 \(Self.milliseconds(times, 99)) ms"
        let faults = lines.flatMap { line in line.faults.map { "WRONG  \(line.title): \($0)" } }
        let strays = strayOrders == 0 ? [] : ["WRONG  \(strayOrders) orders at the venue that nobody asked for"]
        return ([table.text, "", summary] + faults + strays).joined(separator: "\n")
    }

    private static func milliseconds(_ sorted: [Duration], _ percentile: Int) -> String {
        guard !sorted.isEmpty else { return "-" }
        let tenths = sorted[min(sorted.count - 1, sorted.count * percentile / 100)].wholeMicroseconds / 100
        return "\(tenths / 10).\(tenths % 10)"
    }
}
