import RateLimitContract
import StoreContract
import Synchronization
import TradingModel

/// Stores signals within their source's limit, wherever that is counted: by the limiter that is configured, else by the store, and in
/// memory when that fails too.
///
/// A copy of a known signal never costs a slot. *(SC-04)*
final class LimitedStore: Sendable {
    private let store: any OrderStore
    /// Nil where the store itself is the one that is configured.
    private let limiter: (any RateLimiter)?
    private let alerts: AlertDesk
    private let clock: any TradingClock
    private let memory = SlidingWindowLimiter()
    /// After a failure the limiter is left alone for a moment, so that a server that hangs does not hold up every signal.
    private static let rest = Duration.seconds(1)

    private struct State {
        var hasFallenBack = false
        var restsUntil: MonotonicInstant?
    }
    private let state = Mutex(State())

    init(_ store: any OrderStore, limiter: (any RateLimiter)?, alerts: AlertDesk, clock: any TradingClock) {
        self.store = store
        self.limiter = limiter
        self.alerts = alerts
        self.clock = clock
    }

    func admit(_ admission: Admission) async throws(StoreError) -> AdmissionResult {
        guard let rule = admission.rate else { return try await store.admit(admission) }
        guard let limiter else {
            let (result, isByStore) = try await admitByStore(admission)
            if isByStore { await recovered() }
            return result
        }
        let now = clock.monotonic
        let isResting = state.withLock { $0.restsUntil.map { now < $0 } ?? false }
        if isResting { return try await admitByStore(admission).result }
        if let known = try await store.recall(admission.signal, window: admission.window) { return known }
        let decision: RateDecision
        do { decision = try await limiter.take(rule) } catch {
            state.withLock { $0.restsUntil = clock.monotonic + Self.rest }
            await fellBack("limiting in the store, because the configured limiter fails: \(error)")
            return try await admitByStore(admission).result
        }
        await recovered()
        switch decision {
        case .refused(let wait):
            // A copy whose first was being stored at that moment is a copy, and not one too many.
            return try await store.recall(admission.signal, window: admission.window) ?? .rateLimited(retryAfter: wait)
        case .taken(let slot):
            var counted = admission
            counted.rate = nil
            let result: AdmissionResult
            do { result = try await store.admit(counted) } catch {
                // It may be stored all the same; then one signal more than the limit gets in, which is better than one too few.
                await limiter.giveBack(slot)
                throw error
            }
            switch result {
            case .duplicate, .conflict: await limiter.giveBack(slot)
            case .admitted, .rateLimited: break
            }
            return result
        }
    }

    /// If only the store's own limiter fails, in memory; then false.
    private func admitByStore(_ admission: Admission) async throws(StoreError) -> (result: AdmissionResult, isByStore: Bool) {
        do {
            return (try await store.admit(admission), true)
        } catch .limiterUnavailable(let why) {
            await fellBack("limiting in memory, because the store's limiter fails: \(why)")
            if let rule = admission.rate, let wait = memory.take(rule, at: clock.monotonic) { return (.rateLimited(retryAfter: wait), false) }
            var counted = admission
            counted.rate = nil
            return (try await store.admit(counted), false)
        }
    }

    private func fellBack(_ message: String) async {
        state.withLock { $0.hasFallenBack = true }
        await alerts.raise("rate_limiter_fallback", .high, subject: "rate_limit", message)
    }

    private func recovered() async {
        let had = state.withLock { state in
            defer { state.hasFallenBack = false }
            return state.hasFallenBack
        }
        if had { await alerts.clear("rate_limiter_fallback", subject: "rate_limit") }
    }
}
