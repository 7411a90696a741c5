import ConformanceKit
import LockContract

/// One known-bad backend, and the clause that must catch it.
struct BadLock: Sendable, CustomStringConvertible {
    let description: String
    let owner: String
    let harness: any LockHarness

    private init(_ name: String, caughtBy owner: String, _ harness: any LockHarness) {
        description = name
        self.owner = owner
        self.harness = harness
    }

    static func naive(_ mistake: NaiveLock.Mistake?) -> any LockHarness {
        LocalLockHarness(name: "naive", isInMemory: true) { _, wiring in NaiveLock(mistake, clock: wiring.clock) }
    }

    /// - Parameter redis: Makes a real lock on the server at this port.
    static func wired(_ mistake: WiredLock.Mistake, _ redis: @escaping @Sendable (Int, LockWiring) throws -> any LockBackend) -> any LockHarness {
        RedisLockHarness { port, wiring in WiredLock(base: try redis(port, wiring), mistake: mistake, clock: wiring.clock) }
    }

    static func all(_ redis: @escaping @Sendable (Int, LockWiring) throws -> any LockBackend) -> [BadLock] {
        NaiveLock.Mistake.allCases.map { BadLock("\($0)", caughtBy: owner(of: $0), naive($0)) }
            + WiredLock.Mistake.allCases.map { BadLock("\($0)", caughtBy: owner(of: $0), wired($0, redis)) }
    }

    private static func owner(of mistake: NaiveLock.Mistake) -> String {
        switch mistake {
        case .noOwnerOnDelete: "LC-05.wrong-owner"
        case .counterDeletedOnRelease: "LC-02.L03.release"
        case .fenceOutsideScript: "LC-01.L01.contended"
        case .fenceResetOnFlush: "LC-02.L08.wipe"
        case .ttlFromRequestEnd: "LC-03.L17.slow"
        case .noMargin: "LC-03.L17.local-expiry"
        case .wallClockExpiry: "LC-10.L23.forward"
        case .reentrant: "LC-01.L37.not-reentrant"
        case .valueLocked: "LC-05.wrong-owner"
        case .checkThenSet: "LC-01.L02.herd"
        case .renewsTheDead: "LC-04.L13.untaken"
        case .renewRaisesFence: "LC-04.L15.keeps-fence"
        case .renewShortens: "LC-04.not-shorter"
        case .endsEarly: "LC-03.L21.lower-bound"
        case .forcesAnything: "LC-08.fence-moved"
        case .forcedCountsAsReleased: "LC-07.forced"
        case .expiredCountsAsReleased: "LC-07.L36.expired"
        case .recoversAnybody: "LC-06.own"
        case .showsToken: "LC-11.token"
        case .listTakesPatterns: "LC-11.prefix"
        case .releaseRepeatedFrees: "LC-05.repeat"
        }
    }

    private static func owner(of mistake: WiredLock.Mistake) -> String {
        switch mistake {
        case .failsOpen: "LC-09.L26.refused"
        case .acceptsLateReply: "LC-03.L18.late-grant"
        case .lostMeansNotDone: "LC-06.L19.reply-lost"
        case .renewsBlindly: "LC-09.L28.half-open"
        case .releasesBlindly: "LC-05.L20.cut"
        }
    }
}
