import ConformanceKit
import RateLimitContract
import RedisKit
import Testing
import TradingModel

@testable import RedisRateLimit

/// A handle with time for a busy machine.
func open(_ port: Int) -> RedisRateLimit {
    RedisRateLimit(.init(options: RedisOptions(port: port), connectTimeout: .seconds(5), requestTimeout: .seconds(5)), clock: SystemClock())
}

/// Ends the server also when `body` fails.
func withServer(_ arguments: [String] = [], environment: [String: String] = [:], _ body: @Sendable (RedisUnderTest) async throws -> Void) async throws {
    let server = try await RedisUnderTest.start(arguments, environment: environment)
    let result: Result<Void, any Error>
    do { result = .success(try await body(server)) } catch { result = .failure(error) }
    await server.remove()
    try result.get()
}

/// Against a real server for each clause.
@Suite struct RedisRateLimitConformance {
    @Test(arguments: RateLimitConformance.clauses)
    func `keeps the rate limit contract`(_ clause: RateLimitClause) async {
        let result = await clause.check { body in
            try await withServer { server in
                try await body(RateLimitSite(stop: { try await server.stop() }, start: { try await server.start() }, open: { open(server.port) }))
            }
        }
        #expect(!result.isFailure, "\(clause.id): \(result)")
    }
}
