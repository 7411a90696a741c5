import LockContract
import PostgresKit
import TradingModel

extension PostgresLock {
    /// How often who stands first in line looks, and who stands behind.
    private static let firstPause = Duration.milliseconds(20)
    private static let laterPause = Duration.milliseconds(80)
    /// Well within the life of a place.
    private static let keepAlive = Duration.milliseconds(1500)

    func acquire(
        _ resource: LockResource, owner: OwnerToken, ttl: Duration, holder: HolderIdentity, waitingUpTo limit: Duration,
        clock: any TradingClock
    ) async throws(LockError) -> AcquireResult {
        let end = clock.monotonic + limit
        let first = try await acquire(resource, owner: owner, ttl: ttl, holder: holder)
        guard case .held = first, clock.monotonic < end else { return first }
        var ticket = try await join(resource, owner)
        let result: Result<AcquireResult, LockError>
        do throws(LockError) {
            result = .success(try await stand(in: resource, &ticket, owner, ttl, holder, until: end, clock))
        } catch { result = .failure(error) }
        // Also when nothing could be taken: the place is given up at once instead of at its end. In a task of its own, because one that
        // was cancelled gets no connection.
        await Task { [ticket] in _ = try? await self.run([LineStatements.leave(ticket: ticket)]) }.value
        return try result.get()
    }

    private func join(_ resource: LockResource, _ owner: OwnerToken) async throws(LockError) -> Int64 {
        do throws(PostgresError) {
            // A lost answer leaves a place that nobody keeps alive.
            guard let row = try await run(LineStatements.join(resource.rawValue, owner: owner.rawValue))[1].first else {
                throw PostgresError(.malformed, "no place in line")
            }
            return try row.integer(0)
        } catch { throw Self.lockError(error) }
    }

    private func stand(
        in resource: LockResource, _ ticket: inout Int64, _ owner: OwnerToken, _ ttl: Duration, _ holder: HolderIdentity,
        until end: MonotonicInstant, _ clock: any TradingClock
    ) async throws(LockError) -> AcquireResult {
        var keptAt = clock.monotonic
        while true {
            var pause = Self.laterPause
            do throws(LockError) {
                let (before, isHeld) = try await look(resource, ticket)
                if before == 0 { pause = Self.firstPause }
                if before == 0, !isHeld {
                    let result = try await acquire(resource, owner: owner, ttl: ttl, holder: holder, ticket: ticket)
                    guard case .held = result else { return result }
                }
                if clock.monotonic - keptAt > Self.keepAlive {
                    // A place that is gone is not taken again: those behind have moved up.
                    if try await !keep(ticket) { ticket = try await join(resource, owner) }
                    keptAt = clock.monotonic
                }
            } catch {
                guard case .unavailable = error, clock.monotonic + pause < end else { throw error }
            }
            guard clock.monotonic + pause < end else { return .held(try await inspect(resource)) }
            do { try await clock.sleep(for: pause) } catch { throw .cancelled }
        }
    }

    private func look(_ resource: LockResource, _ ticket: Int64) async throws(LockError) -> (before: Int64, isHeld: Bool) {
        do throws(PostgresError) {
            guard let row = try await run([LineStatements.look(resource.rawValue, ticket: ticket)])[0].first else {
                throw PostgresError(.malformed, "no answer about the line")
            }
            return (try row.integer(0), try row.flag(1))
        } catch { throw Self.lockError(error) }
    }

    private func keep(_ ticket: Int64) async throws(LockError) -> Bool {
        do throws(PostgresError) { return try await run([LineStatements.keep(ticket: ticket)])[0].affected == 1 } catch { throw Self.lockError(error) }
    }
}
