import TradingModel

/// What the journal says about tenures and permits, in the order in which they were committed.
public struct ClusterHistory: Sendable {
    /// A tenure that was opened.
    public struct Tenure: Sendable {
        public let account: String
        public let gateway: String
        public let fence: FencePair
        public let leaseFence: String
        public let at: Timestamp
        /// When the next one was opened although this one was not closed.
        public fileprivate(set) var takenOverAt: Timestamp?
        public fileprivate(set) var isClosed = false
        public fileprivate(set) var firstPermitAt: Timestamp?
    }

    public struct FencePair: Sendable, Hashable, Comparable, CustomStringConvertible {
        let epoch: Int
        let counter: Int
        init?(_ text: String?) {
            let parts = (text ?? "").split(separator: ".").compactMap { Int($0) }
            guard parts.count == 2 else { return nil }
            (epoch, counter) = (parts[0], parts[1])
        }
        public static func < (a: Self, b: Self) -> Bool { (a.epoch, a.counter) < (b.epoch, b.counter) }
        public var description: String { "\(epoch).\(counter)" }
    }

    /// What must never be: a permit beside a living one, or under a fence that is not the account's latest.
    public private(set) var problems: [String] = []
    public private(set) var permits = 0
    /// Permits after an attempt that was proven to have had no effect.
    public private(set) var repeats = 0
    /// In the order in which they were opened.
    public private(set) var tenures: [Tenure] = []
    /// Tenures by gateways that were granted a lease while another gateway held the account and had not given it back.
    ///
    /// Where every gateway lives and renews, each of them is a lease that the lock backend granted twice.
    public private(set) var doubleGrants = 0
    /// Those of them whose lease had the very number of the lease that was still held.
    public private(set) var equalFences = 0
    /// How often a gateway was told that its account is another's now.
    public private(set) var losses = 0

    public init(_ lines: [ClusterLine]) {
        /// The number of the attempt that lives.
        var living: [String: Int] = [:]
        var attempts: [String: Int] = [:]
        /// The index of each account's latest tenure.
        var latest: [String: Int] = [:]
        for line in lines {
            let account = line.account ?? ""
            switch line.type {
            case "tenure.opened": open(line, latest: &latest)
            case "tenure.closed":
                if let index = latest[account], tenures[index].fence == FencePair(line.data.fence) { tenures[index].isClosed = true }
            case "order.permitted":
                guard let order = line.order_id, let number = line.data.attempt, line.data.fence != nil else { break }
                permits += 1
                if number > 1 { repeats += 1 }
                if let other = living[order] { problems.append("order \(order): permit \(number) while attempt \(other) is live") }
                if number != attempts[order, default: 0] + 1 { problems.append("order \(order): permit \(number) after \(attempts[order, default: 0])") }
                living[order] = number
                attempts[order] = number
                guard let index = latest[account], tenures[index].fence == FencePair(line.data.fence), !tenures[index].isClosed else {
                    let current = latest[account].map { "\(tenures[$0].fence)\(tenures[$0].isClosed ? ", closed" : "")" } ?? "none"
                    problems.append("order \(order): permitted under fence \(line.data.fence ?? "none"), but the account's is \(current)")
                    break
                }
                if tenures[index].firstPermitAt == nil { tenures[index].firstPermitAt = Timestamp(rfc3339: line.at) }
            case "order.absent": living[line.order_id ?? ""] = nil
            case "alert.raised": if line.data.type == "lock_lost" { losses += 1 }
            default: break
            }
        }
    }

    /// The tenures that a gateway has and has not closed.
    public func held(by gateway: String) -> [Tenure] {
        let latest = Dictionary(tenures.map { ($0.account, $0) }, uniquingKeysWith: { $1 })
        return latest.values.filter { $0.gateway == gateway && !$0.isClosed }
    }

    /// How long after its death another gateway opened a tenure of each account that the dead one had.
    public func takeovers(from gateway: String, after death: Timestamp) -> [Duration] {
        tenures.filter { $0.gateway == gateway && !$0.isClosed }.compactMap(\.takenOverAt).filter { $0 > death }.map { $0 - death }
    }

    /// How long after its death another gateway had its first permit for each account that the dead one had.
    public func firstPermits(from gateway: String, after death: Timestamp) -> [Duration] {
        tenures.filter { $0.gateway == gateway && !$0.isClosed && ($0.takenOverAt ?? death) > death }.compactMap { lost in
            tenures.filter { $0.account == lost.account && $0.fence > lost.fence }.compactMap(\.firstPermitAt).min().map { $0 - death }
        }
    }

    private mutating func open(_ line: ClusterLine, latest: inout [String: Int]) {
        let account = line.account ?? ""
        guard let fence = FencePair(line.data.fence), let at = Timestamp(rfc3339: line.at), let gateway = line.data.gateway else {
            problems.append("a tenure of \(account) without fence, time or gateway")
            return
        }
        let tenure = Tenure(account: account, gateway: gateway, fence: fence, leaseFence: line.data.lease_fence ?? "", at: at)
        if let index = latest[account] {
            if fence <= tenures[index].fence { problems.append("account \(account): fence \(fence) after \(tenures[index].fence)") }
            if !tenures[index].isClosed {
                tenures[index].takenOverAt = at
                if tenures[index].gateway != gateway {
                    doubleGrants += 1
                    if tenures[index].leaseFence == tenure.leaseFence { equalFences += 1 }
                }
            }
        }
        latest[account] = tenures.count
        tenures.append(tenure)
    }
}
