#if FAILPOINTS
    import LockContract
    import PluginSettings
    import TradingModel

    /// Grants everybody, always, with one and the same number: the worst lock there is, to show that safety does not rest on locks.
    ///
    /// Named `lying` in the configuration, in builds with the `FailPoints` trait only.
    enum LyingLockPlugin: LockPlugin {
        static let id = "lying"

        struct Configuration: PluginConfiguration {
            init(reading settings: SettingsReader) {}
        }

        static func makeBackend(_ configuration: Configuration, context: LockContext) throws -> any LockBackend {
            LyingLock(clock: context.clock)
        }
    }

    private struct LyingLock: LockBackend {
        let clock: any TradingClock
        // `scripts/test` looks for the first word in the build that users get.
        let capabilities = LockCapabilities(
            isShared: true, isDurable: false, minimumTTL: .zero, maximumTTL: .seconds(300),
            notice: "TURNSTILE_FAILPOINT build: this lock grants everybody, always")

        func acquire(_ resource: LockResource, owner: OwnerToken, ttl: Duration, holder: HolderIdentity) async throws(LockError) -> AcquireResult {
            .granted(
                Lease(
                    resource: resource, owner: owner, fence: FencingToken(epoch: 1, counter: 1),
                    localExpiry: Lease.localExpiry(requestedAt: clock.monotonic, ttl: ttl), predecessorExpired: false))
        }

        func recover(_ resource: LockResource, owner: OwnerToken) async throws(LockError) -> Lease? { nil }

        func renew(_ lease: Lease, ttl: Duration) async throws(LockError) -> RenewResult {
            .renewed(
                Lease(
                    resource: lease.resource, owner: lease.owner, fence: lease.fence,
                    localExpiry: Lease.localExpiry(requestedAt: clock.monotonic, ttl: ttl), predecessorExpired: false))
        }

        func release(_ lease: Lease) async throws(LockError) -> ReleaseResult { .released }

        func inspect(_ resource: LockResource) async throws(LockError) -> LockStatus {
            LockStatus(resource: resource, holder: nil, ownerPrefix: nil, fence: nil, age: nil, remaining: nil)
        }

        func list(prefix: String) async throws(LockError) -> [LockStatus] { [] }

        func forceRelease(_ resource: LockResource, expected: FencingToken, actor: String, reason: String) async throws(LockError) -> Bool { true }
    }
#endif
