import Gateway
import Hummingbird
import StoreContract
import TradingModel

/// The read side of `/api/v1/monitoring`: locks, gateways, what waits.
struct MonitoringEndpoints: Sendable {
    let gateway: TradingGateway

    func locks(_ request: Request) async throws -> Response {
        _ = try QueryParameters(request, known: [])
        return Response(list: try await gateway.accountLocks().map(\.row))
    }

    func lock(_ account: AccountID, _ request: Request) async throws -> Response {
        _ = try QueryParameters(request, known: [])
        guard let lock = try await gateway.accountLock(account) else { throw Problem.missing("account", account.rawValue) }
        return Response(json: lock.row)
    }

    func workers(_ request: Request) async throws -> Response {
        _ = try QueryParameters(request, known: [])
        return Response(list: try await gateway.store.workers().map(\.row))
    }

    func queue(_ request: Request) async throws -> Response {
        _ = try QueryParameters(request, known: [])
        let now = gateway.wallTime
        return Response(list: try await gateway.store.queues().map { $0.row(at: now) })
    }

    func deadLetters(_ request: Request) async throws -> Response {
        _ = try QueryParameters(request, known: [])
        return Response(list: try await gateway.store.deadLetters().map(\.row))
    }

    func pools(_ request: Request) async throws -> Response {
        _ = try QueryParameters(request, known: [])
        return Response(list: gateway.pools.map(\.row))
    }

    /// Steps of compensations: the open ones, or the latest hundred with those that have ended.
    func transactions(_ request: Request) async throws -> Response {
        let query = try QueryParameters(request, known: ["ended", "limit"])
        let limit = try query.number("limit", in: 1...1000) ?? 100
        return Response(list: try await gateway.store.compensations(includeEnded: try query.flag("ended"), limit: limit).map(\.row))
    }
}
