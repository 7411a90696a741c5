import ConformanceKit
import Foundation
import TestSupport
import Testing

/// Lock servers that forget what they granted while three gateways trade: they grant twice, and the order store permits once.
@Suite(.serialized) struct ForgetfulLockTests {
    private static let accounts = 6
    private static var options: ClusterUnderTest.Options { .init(accounts: accounts) }

    /// Trades while `fault` strikes, and shows that nothing was permitted or sent twice although leases were granted twice.
    ///
    /// - Parameter fault: Strikes again and again until it is cancelled, and heals before it returns.
    private func trade(
        _ name: String, _ cluster: ClusterUnderTest, _ gateways: [GatewayUnderTest], until doubleGrants: Int,
        _ fault: @escaping @Sendable () async throws -> Void
    ) async throws {
        let reader = ClusterReader(gateways[0], cluster.venue)
        let striking = Task { try await fault() }
        var accepted: [String: String] = [:]
        var rounds = 0
        let start = ContinuousClock.now
        // Until it has struck often enough: a fault that did not strike shows nothing.
        repeat {
            let mails = (0..<60).map { number in
                SignalSender.Mail(
                    strategy: "s\(number % Self.accounts + 1)", id: "r\(rounds)-\(number)", copies: [Int.random(in: 0..<3), Int.random(in: 0..<3)])
            }
            rounds += 1
            let (more, contradictions) = try await SignalSender(gateways).deliver(mails, perSecond: Trials.pick(40, long: 100))
            #expect(contradictions == [])
            accepted.merge(more) { $1 }
        } while try await ClusterHistory(reader.journal()).doubleGrants < doubleGrants && ContinuousClock.now - start < .seconds(Trials.pick(90, long: 900))
        striking.cancel()
        try await striking.value
        try await reader.settle(within: .seconds(Trials.pick(240, long: 900)))
        let oracle = try await ClusterOracle(cluster, through: gateways[0], accepted: accepted)
        #expect(oracle.problems == [], "\(name)")
        #expect(oracle.statuses == ["filled": accepted.count], "\(name)")
        #expect(oracle.history.doubleGrants >= doubleGrants, "\(name): the fault did not strike")
        Trials.tell(
            "\(name), \(cluster.store.kind) store, \(ContinuousClock.now - start): \(oracle.summary); leases granted twice \(oracle.history.doubleGrants) times, "
                + "\(oracle.history.equalFences) of them with the same number; holders fenced out \(oracle.history.losses) times; double permits 0")
        for gateway in gateways { try await gateway.process.kill9() }
    }

    @Test("Redis that is flushed again and again permits nothing twice", arguments: Pair.stores(0))
    func flush(_ store: SharedStoreKind) async throws {
        try await ClusterUnderTest.with(Self.options, store: store, locks: .redis) { cluster in
            let redis = try #require(cluster.locks.redis)
            let gateways = try await cluster.start(gateways: 3)
            try await trade("FLUSHALL of Redis", cluster, gateways, until: Trials.pick(5, long: 200)) {
                try await repeating(every: .milliseconds(200)) { try await redis.command("FLUSHALL") }
            }
        }
    }

    @Test("Redis that fails over while its old primary goes on permits nothing twice", arguments: Pair.stores(1))
    func failover(_ store: SharedStoreKind) async throws {
        for _ in 0..<Trials.pick(1, long: 10) {
            try await TemporaryFolder.with { folder in
                let primary = try await RedisUnderTest.start()
                // The replica's link, and the way of all gateways but the first.
                let link = try await TCPProxy.start(to: primary.port)
                let way = try await TCPProxy.start(to: primary.port)
                let replica = try await RedisUnderTest.start(["--replicaof", "127.0.0.1", "\(link.port)"])
                let locks = SharedLocks(kind: .redis, redis: primary) { SharedLocks.redis($0 == 1 ? primary.port : way.port) }
                try await ClusterUnderTest.with(Self.options, store: store, locks: locks, folder: folder) { cluster in
                    let gateways = try await cluster.start(gateways: 3)
                    try await trade("failover of Redis", cluster, gateways, until: Trials.pick(3, long: 20)) {
                        try await waitUntil("the replica follows") {
                            try await replica.command("INFO", "replication").contains("master_link_status:up")
                        }
                        // The primary goes on for the first gateway and never learns of the promotion.
                        await link.refuse()
                        try await replica.command("REPLICAOF", "NO", "ONE")
                        way.redirect(to: replica.port)
                        await way.dropConnections()
                        try await repeating(every: .seconds(1)) {}
                    }
                }
                await way.stop()
                await link.stop()
                await replica.remove()
            }
        }
    }

    @Test("etcd that starts anew with an empty folder permits nothing twice", arguments: Pair.stores(2))
    func wipe(_ store: SharedStoreKind) async throws {
        try await ClusterUnderTest.with(Self.options, store: store, locks: .etcd) { cluster in
            let etcd = try #require(cluster.locks.etcd)
            let gateways = try await cluster.start(gateways: 3)
            try await trade("etcd with a fresh data directory", cluster, gateways, until: Trials.pick(2, long: 50)) {
                // The end of the trade must not interrupt it: etcd would stay away.
                try await repeating(every: .seconds(1)) { try await Task { try await etcd.wipe() }.value }
            }
        }
    }

    /// The other backends do not look at a wall clock.
    private static let clocked = Pair.shown.filter { $0.locks == .redis || $0.locks == .postgres }

    @Test("a lock server whose clock jumps by an hour permits nothing twice", arguments: clocked)
    func clock(_ pair: Pair) async throws {
        let source = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Shims/clockshim.c").path()
        let shim = try ClockShim.make(source: source)
        defer { shim.remove() }
        try await TemporaryFolder.with { folder in
            let locks = try await SharedLocks.start(pair.locks, in: folder, environment: shim.environment)
            try await ClusterUnderTest.with(Self.options, store: pair.store, locks: locks, folder: folder) { cluster in
                let gateways = try await cluster.start(gateways: 3)
                try await trade("clock of \(pair.locks) ±1 h", cluster, gateways, until: Trials.pick(3, long: 50)) {
                    var hours = 0
                    try await repeating(every: .milliseconds(700)) {
                        hours = hours == 1 ? -1 : hours + 1
                        try shim.jump(to: .seconds(3600 * hours))
                    }
                    // A lease that was granted in the future would last until then; ahead of it nothing does.
                    try shim.jump(to: .seconds(7200))
                }
            }
        }
    }
}

/// Until the task is cancelled; returns normally then.
func repeating(every pause: Duration, _ body: () async throws -> Void) async throws {
    while !Task.isCancelled {
        try await body()
        do { try await Task.sleep(for: pause) } catch { return }
    }
}
