import LockContract
import Synchronization
import TradingModel

/// How many trials a check has made.
final class TrialCounter: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func add(_ number: Int) { count.withLock { $0 += number } }
    func reset() { count.withLock { $0 = 0 } }
}

/// The proxies that a check has started.
final class ProxyList: Sendable {
    private let proxies = Mutex<[TCPProxy]>([])
    var all: [TCPProxy] { proxies.withLock { $0 } }
    func add(_ proxy: TCPProxy) { proxies.withLock { $0.append(proxy) } }
}

/// Fresh locks, and what the checks do with them again and again.
struct LockSession: Sendable {
    let site: LockSite
    let trials: LockTrials
    let clock = SteeredClock()
    let holder = HolderIdentity.current(gateway: "conformance", purpose: "conformance")
    private let clause: String
    /// A server that is there already keeps what an earlier run has left.
    private let run = OwnerToken.random().prefix
    private let counter: TrialCounter
    private let proxies = ProxyList()

    init(_ site: LockSite, trials: LockTrials, clause: String, count: TrialCounter) {
        self.site = site
        self.trials = trials
        self.clause = clause
        counter = count
    }

    func end() async { for proxy in proxies.all { await proxy.stop() } }

    /// Waits that long for what must come to pass some time; a machine may be slow.
    static let patience = Duration.seconds(30)
    /// Of a lease that is not to end during a check.
    static let longTTL = Duration.seconds(60)

    /// Of a lease that is to end soon.
    func shortTTL(_ locks: any LockBackend) -> Duration { max(.milliseconds(600), locks.capabilities.minimumTTL) }

    func count(_ quick: Int, _ long: Int) -> Int { trials.count(quick, long) }
    func tried(_ number: Int = 1) { counter.add(number) }

    /// What to throw when a check needs what the site does not have.
    func missing(_ what: String) -> any Error {
        site.isSomebodyElses ? ClauseLeftOut("the server is somebody else's: it is not cut off, stopped or wiped") : ClauseAbsent(what)
    }

    // MARK: Handles

    func open() async throws -> any LockBackend { try await site.open(LockWiring(clock: clock, port: site.port)) }

    func open(_ number: Int) async throws -> [any LockBackend] {
        var handles: [any LockBackend] = []
        for _ in 0..<number { handles.append(try await open()) }
        return handles
    }

    /// A handle with a proxy between it and its server.
    func openThroughProxy() async throws -> (locks: any LockBackend, proxy: TCPProxy) {
        guard let port = site.port else { throw missing("there is no wire between holder and backend") }
        let proxy = try await TCPProxy.start(to: port)
        proxies.add(proxy)
        return (try await site.open(LockWiring(clock: clock, port: proxy.port)), proxy)
    }

    /// How many bytes go in this direction while `body` runs, so that cuts can be spread over all of them.
    func wireLength(of direction: TCPProxy.Direction, _ proxy: TCPProxy, _ body: () async throws -> Void) async throws -> Int {
        let before = proxy.bytes(direction)
        try await body()
        return proxy.bytes(direction) - before
    }

    func resource(_ name: String = "a") -> LockResource {
        LockResource(rawValue: "account_lock:\(clause.filter { $0.isLetter || $0.isNumber || $0 == "-" })-\(run)-\(name)")
    }

    // MARK: Time

    /// Lets so much time pass on the clock that times the leases.
    func pass(_ duration: Duration) async throws {
        if site.isTimedByClient { clock.advance(by: duration) } else { try await SystemClock().sleep(for: duration) }
    }

    /// Asks until `body` gives something; nil after ``patience``.
    func eventually<T>(every pause: Duration = .milliseconds(20), _ body: () async throws -> T?) async throws -> T? {
        let machine = SystemClock()
        let end = machine.monotonic + Self.patience
        repeat {
            if let value = try await body() { return value }
            try await machine.sleep(for: pause)
        } while machine.monotonic < end
        return nil
    }

    // MARK: Locks

    /// One try, with a lost reply settled and a missing one tried again. Nil if somebody else holds.
    func tryAcquire(
        _ locks: any LockBackend, _ resource: LockResource, ttl: Duration = longTTL, owner: OwnerToken = .random(), holder: HolderIdentity? = nil
    ) async throws -> Lease? {
        for attempt in 1... {
            do {
                switch try await locks.acquire(resource, owner: owner, ttl: ttl, holder: holder ?? self.holder) {
                case .granted(let lease): return lease
                case .held: return nil
                case .ambiguous: if let lease = try await locks.recover(resource, owner: owner) { return lease }
                }
                guard attempt < 100 else { throw ControlFailure("ambiguous again and again") }
            } catch let error as LockError {
                guard case .unavailable = error, attempt < 100 else { throw error }
            }
            try await SystemClock().sleep(for: .milliseconds(20))
        }
        return nil
    }

    /// The lease, which nothing stands against; else the clause has failed.
    func acquire(_ locks: any LockBackend, _ resource: LockResource, ttl: Duration = longTTL, owner: OwnerToken = .random()) async throws -> Lease {
        guard let lease = try await tryAcquire(locks, resource, ttl: ttl, owner: owner) else {
            throw ClauseFailure("a free lock is held: \(try await locks.inspect(resource))")
        }
        return lease
    }

    /// The lease, as soon as it is free.
    func acquireEventually(_ locks: any LockBackend, _ resource: LockResource, ttl: Duration = longTTL, owner: OwnerToken = .random()) async throws -> Lease {
        guard let lease = try await eventually({ try await tryAcquire(locks, resource, ttl: ttl, owner: owner) }) else {
            throw ClauseFailure("not free after \(Self.patience): \(try await locks.inspect(resource))")
        }
        return lease
    }

    func expectHeld(_ locks: any LockBackend, _ resource: LockResource, _ when: String) async throws {
        guard let lease = try await tryAcquire(locks, resource) else { return }
        throw ClauseFailure("granted a second time \(when): \(lease.fence)")
    }

    func renew(_ locks: any LockBackend, _ lease: Lease, ttl: Duration = longTTL) async throws -> Lease? {
        for attempt in 1... {
            do throws(LockError) {
                switch try await locks.renew(lease, ttl: ttl) {
                case .renewed(let renewed): return renewed
                case .lost: return nil
                }
            } catch {
                guard case .unavailable = error, attempt < 100 else { throw error }
            }
            try await SystemClock().sleep(for: .milliseconds(20))
        }
        return nil
    }

    /// With a lost reply asked again.
    @discardableResult
    func release(_ locks: any LockBackend, _ lease: Lease) async throws -> ReleaseResult {
        for attempt in 1... {
            do throws(LockError) {
                let result = try await locks.release(lease)
                if result != .ambiguous { return result }
            } catch {
                guard case .unavailable = error, attempt < 100 else { throw error }
            }
            try await SystemClock().sleep(for: .milliseconds(20))
        }
        return .ambiguous
    }
}
