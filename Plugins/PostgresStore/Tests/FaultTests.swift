import ConformanceKit
import Foundation
import PostgresKit
import StoreContract
import TestSupport
import Testing
import TradingModel

@testable import PostgresStore

/// What a store says and keeps when its server or the way to it fails.
@Suite struct FaultTests {
    /// A store that reaches the tests' server through an opaque proxy.
    private func withProxied(_ body: (PostgresPlace, PostgresOrderStore, FaultProxy) async throws -> Void) async throws {
        let proxy = try await FaultProxy.start(venuePort: try await PostgresUnderTest.common().port, isOpaque: true)
        let outcome: Result<Void, any Error>
        do {
            try await PostgresPlace.with { place async throws in
                let url = try await PostgresUnderTest.common().url(port: proxy.port, parameters: "?sslmode=disable")
                let store = try await place.open(place.configuration(url))
                let outcome: Result<Void, any Error>
                do { outcome = .success(try await body(place, store, proxy)) } catch { outcome = .failure(error) }
                proxy.clearFaults()
                await store.close()
                try outcome.get()
            }
            outcome = .success(())
        } catch { outcome = .failure(error) }
        await proxy.stop()
        try outcome.get()
    }

    private func admission(_ name: String) -> Admission {
        Admission(signal: aSignal(name), orders: [anOrder(name)], window: .zero, rate: nil)
    }

    @Test func `a commit whose answer was lost is found and answered as what it was`() async throws {
        try await withProxied { (place, store, proxy) async throws in
            #expect(try await store.admit(admission("first")) == .admitted)
            proxy.plan(StreamFault(on: "COMMIT", .cutAnswer))
            #expect(try await store.admit(admission("a")) == .admitted)
            #expect(try await place.count("signals") == 2)
            #expect(try await store.verifyJournal() == nil)
            let again = try await store.admit(admission("a"))
            #expect(again == .duplicate(first: "sig-a", StoredAnswer(status: 202, body: "answer")))
        }
    }

    @Test func `a commit that did not reach the server is not claimed`() async throws {
        try await withProxied { (place, store, proxy) async throws in
            #expect(try await store.admit(admission("first")) == .admitted)
            proxy.plan(StreamFault(on: "COMMIT", .cutRequest))
            let error = await failure { _ = try await store.admit(admission("a")) }
            #expect(error?.isUnavailable == true, "\(String(describing: error))")
            #expect(try await place.count("signals") == 1)
            #expect(try await store.admit(admission("a")) == .admitted)
            #expect(try await store.verifyJournal() == nil)
        }
    }

    @Test func `wherever the connection is cut within a transaction, it is stored whole or not at all`() async throws {
        try await withProxied { (place, store, proxy) async throws in
            let tenure = try await store.openTenure(aTenure("a1")).tenure
            for effect in [StreamFault.Effect.cutRequest, .cutAnswer] {
                for skip in 0..<6 {
                    let name = "\(effect)-\(skip)"
                    _ = try await store.admit(admission(name))
                    proxy.plan(StreamFault(on: "", skip: skip, effect))
                    let id = OrderID("ord-\(name)")
                    let granted = try? await store.permit(aRequest(id, tenure)) { grant($0.order) }
                    proxy.clearFaults()
                    let snapshot = try #require(try await settled(store) { try await store.order(id) })
                    let isStored = snapshot.order.state == .permitted
                    #expect(snapshot.attempts.count == (isStored ? 1 : 0), "\(name)")
                    #expect(try await store.journal(of: SignalID("sig-\(name)")).contains { $0.type == "order.permitted" } == isStored, "\(name)")
                    if granted != nil { #expect(isStored, "\(name): granted and not stored") }
                }
            }
            #expect(try await store.verifyJournal() == nil)
            #expect(try await place.count("attempts") > 0)
        }
    }

    /// The cut may also have met the listener or a reader; the next try finds a fresh connection.
    private func settled<T>(_ store: PostgresOrderStore, _ body: () async throws -> T) async throws -> T {
        var result: T?
        try await waitUntil("the store answers", within: .seconds(60)) {
            do { result = try await body() } catch let error as StoreError where error.isUnavailable { return false }
            return true
        }
        guard let result else { throw TimedOut(description: "no answer") }
        return result
    }

    @Test func `without its server a store is unavailable, and recovers by itself`() async throws {
        try await PostgresUnderTest.with { server async throws in
            try await PostgresPlace.with(on: server) { place async throws in
                let store = try await place.open(place.configuration())
                #expect(try await store.admit(admission("a")) == .admitted)
                try await server.stop()
                for _ in 0..<2 {
                    #expect(await failure { _ = try await store.admit(admission("b")) }?.isUnavailable == true)
                    #expect(await failure { _ = try await store.order("ord-a") }?.isUnavailable == true)
                    #expect(await failure { try await store.checkHealth(at: start) }?.isUnavailable == true)
                }
                try await server.start()
                try await waitUntil("the store recovers", within: .seconds(60)) { (try? await store.checkHealth(at: start)) != nil }
                #expect(try await store.admit(admission("b")) == .admitted)
                // A crash takes nothing that was acknowledged.
                try await server.crash()
                try await server.start()
                try await waitUntil("the store recovers", within: .seconds(60)) { (try? await store.checkHealth(at: start)) != nil }
                #expect(try await store.signals(before: nil, limit: 10).count == 2)
                #expect(try await store.verifyJournal() == nil)
                // The word of others comes again, too.
                let other = try await place.open(place.configuration())
                let stream = store.commits()
                #expect(try await other.admit(admission("c")) == .admitted)
                for await sequence in stream where sequence >= 6 { break }
                await other.close()
                await store.close()
            }
        }
    }

    @Test func `a notification that is lost is made up for by looking`() async throws {
        try await withProxied { (place, store, proxy) async throws in
            let other = try await place.open(place.configuration())
            let stream = store.commits()
            proxy.mapReplies { bytes in
                // NotificationResponse begins with 'A'; here it is told of a channel that nobody listens to.
                var bytes = bytes
                let word = Array("turnstile_".utf8)
                for start in bytes.indices where bytes[start...].starts(with: word) { bytes[start] = UInt8(ascii: "x") }
                return bytes
            }
            _ = try await other.admit(admission("a"))
            for await sequence in stream where sequence >= 2 { break }
            await other.close()
        }
    }

    @Test func `a writer that is stopped within a transaction blocks the others only until the server ends it`() async throws {
        try await PostgresPlace.with { place async throws in
            let store = try await place.open(place.configuration())
            let stopped = try await PostgresConnection.connect(
                PostgresConfiguration(
                    url: Secret(place.url), connectTimeout: .seconds(30), statementTimeout: .seconds(60), idleInTransactionTimeout: .seconds(1), schema: place.schema))
            let transaction = PostgresTransaction(on: stopped)
            _ = try await transaction.ask(PostgresStatement("SELECT epoch FROM meta WHERE id = 1 FOR UPDATE"))
            try await waitUntil("a writer gets through", within: .seconds(60)) { (try? await store.admit(admission("a"))) != nil }
            #expect(await (try? transaction.commit()) == nil)
            await stopped.close()
            await store.close()
        }
    }

    @Test func `at the server's connection limit the store goes on with what it has`() async throws {
        try await PostgresPlace.with { place async throws in
            let role = "r_\(UInt64.random(in: 0 ... .max))"
            try await place.query("CREATE ROLE \(role) LOGIN SUPERUSER")
            let store = try await place.open(place.configuration(place.url.replacing("postgres@", with: "\(role)@")))
            _ = try await store.admit(admission("a"))
            // Superusers are exempt from a role's own limit, so it stops being one while it is connected.
            try await place.query("ALTER ROLE \(role) NOSUPERUSER CONNECTION LIMIT 3")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<30 {
                    group.addTask {
                        if number % 2 == 0 { _ = try await store.order("ord-a") } else { _ = try await store.admit(admission("n\(number)")) }
                    }
                }
                try await group.waitForAll()
            }
            #expect(store.gauges.waiting == 0)
            await store.close()
            try await place.query("REASSIGN OWNED BY \(role) TO postgres", "DROP OWNED BY \(role)")
            try await waitUntil("the role is free", within: .seconds(60)) { (try? await place.query("DROP ROLE \(role)")) != nil }
        }
    }
}
