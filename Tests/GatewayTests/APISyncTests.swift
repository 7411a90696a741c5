import Foundation
import LockContract
import MemoryLock
import StoreContract
import TestSupport
import Testing
import TradingModel

@testable import Gateway

/// The endpoints about comparisons with the venue, on a real store.
@Suite struct APISyncTests {
    private static let now = Timestamp(milliseconds: 1_795_237_567_000)

    /// The account `paper1` is halted by a difference, and somebody else has an order there. Nobody works the account.
    private func serving(_ body: (APIFixture, any OrderStore) async throws -> Void) async throws {
        try await TemporaryFolder.with { folder in
            let store = try await InProcessScene.openStore(folder)
            let tenure = try await store.openTenure(
                TenureRequest(
                    account: "paper1", owner: "o", holder: HolderIdentity.current(gateway: "g", purpose: "account"), leaseFence: FencingToken(epoch: 1, counter: 1),
                    configurationHash: "0", at: Self.now)
            ).tenure
            let finding = DriftFinding(
                id: "f1", account: "paper1", kind: .position, subject: "BTCUSDT", ledger: 2, venue: 5, state: .confirmed, action: .halt, firstSeenAt: Self.now,
                lastSeenAt: Self.now, confirmedAt: Self.now)
            let order = ExternalOrder(
                account: "paper1", symbol: "BTCUSDT", venueOrderID: "77", clientOrderID: nil, kind: .external, side: .sell, type: .limit, quantity: 3,
                limitPrice: 70000, filledQuantity: 0, status: .accepted, venueStatus: "NEW", firstSeenAt: Self.now, lastSeenAt: Self.now)
            let run = ReconciliationRun(account: "paper1", depth: .deep, trigger: "start", startedAt: Self.now, endedAt: Self.now, isComplete: true, openOrders: 1, externalOrders: 1)
            try await store.reconcile(ReconciliationRequest(tenure: tenure, now: Self.now)) { _ in
                ReconciliationChange(
                    run: run, external: [order], findings: [finding], halt: AccountHalt(account: "paper1", cause: "drift", detail: "5, not 2", since: Self.now))
            }
            try await APIFixture.serving(store) {
                $0.adminTokens = [Secret(APIFixture.adminToken)]
                $0.tradeTokens = [Secret("trader")]
            } body: { api in
                try await body(api, store)
            }
            await store.close()
        }
    }

    @Test func `the account shows its halt, its findings, its runs and the orders of others`() async throws {
        try await serving { api, _ async throws in
            let account = try #require((try await api.send(.GET, "/api/v1/accounts").json["data"] as? [[String: Any]])?.first)
            #expect((account["halt"] as? [String: Any])?["cause"] as? String == "drift" && account["drift"] as? String == "alert")
            let json = try await api.send(.GET, "/api/v1/accounts/paper1/reconciliation").json
            let finding = try #require((json["findings"] as? [[String: Any]])?.first)
            #expect(finding["ledger"] as? String == "2" && finding["venue"] as? String == "5" && finding["action"] as? String == "halt")
            let run = try #require((json["runs"] as? [[String: Any]])?.first)
            #expect(run["number"] as? Int == 1 && run["complete"] as? Bool == true && run["depth"] as? String == "deep")
            let orders = try #require(try await api.send(.GET, "/api/v1/accounts/paper1/external-orders").json["data"] as? [[String: Any]])
            #expect(orders.map { $0["venue_order_id"] as? String } == ["77"] && orders.first?["kind"] as? String == "external")
            #expect(try await api.send(.GET, "/api/v1/accounts/nobody/external-orders").code == "account_not_found")
            #expect(try await api.send(.GET, "/api/v1/accounts/nobody/reconciliation").code == "account_not_found")
            #expect(try await api.send(.GET, "/api/v1/orders/monitoring").status == 200)
        }
    }

    @Test func `a release takes the admin token and a reason, and works once`() async throws {
        try await serving { api, store async throws in
            let path = "/api/v1/accounts/paper1/resume"
            #expect(try await api.send(.POST, path, body: #"{"actor":"ada","reason":"r"}"#, token: "trader").status == 401)
            #expect(try await api.send(.POST, path, body: #"{"actor":"ada"}"#, token: APIFixture.adminToken).code == "missing_field")
            #expect(try await api.send(.GET, path, token: APIFixture.adminToken).status == 405)
            #expect(try await store.halts().count == 1)
            let done = try await api.send(.POST, path, body: #"{"actor":"ada","reason":"known"}"#, token: APIFixture.adminToken)
            #expect(try done.status == 200 && done.json["released_by"] as? String == "ada")
            #expect(try await api.send(.POST, path, body: #"{"actor":"ada","reason":"known"}"#, token: APIFixture.adminToken).code == "account_not_halted")
            #expect(try await api.send(.POST, "/api/v1/accounts/nobody/resume", body: #"{"actor":"ada","reason":"r"}"#, token: APIFixture.adminToken).code == "account_not_found")
            let lines = try await store.journal(after: 0, limit: 100).filter { $0.type == "account.resumed" }
            #expect(lines.count == 1 && lines.first?.data.contains("known") == true)
        }
    }

    @Test func `asking the venue takes the trade token, and says clearly what is not there`() async throws {
        try await serving { api, _ async throws in
            #expect(try await api.send(.POST, "/api/v1/orders/x/sync").status == 401)
            #expect(try await api.send(.POST, "/api/v1/accounts/paper1/sync").status == 401)
            #expect(try await api.send(.POST, "/api/v1/orders/x/sync", token: "trader").code == "order_not_found")
            #expect(try await api.send(.POST, "/api/v1/accounts/nobody/sync", token: "trader").code == "account_not_found")
            #expect(try await api.send(.POST, "/api/v1/accounts/paper1/sync?depth=deeper", token: "trader").code == "invalid_parameter")
            let notNow = try await api.send(.POST, "/api/v1/accounts/paper1/sync", token: "trader")
            #expect(notNow.status == 503 && notNow.code == "sync_not_now")
            #expect(try await api.send(.GET, "/api/v1/orders/x/sync").status == 405)
        }
    }
}
