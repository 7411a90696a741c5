import ConformanceKit
import Foundation
import PostgresKit
import StoreContract
import TestSupport
import Testing
import TradingModel

@testable import PostgresStore

/// What a store says and keeps when its server or the way to it fails.
@Suite(.serialized) struct FaultConformance {
    private func admission(_ name: String) -> Admission {
        Admission(signal: aSignal(name), orders: [anOrder(name)], window: .zero, rate: nil)
    }

    /// Waits until the store answers: the next try finds a fresh connection.
    private func recovered(_ store: PostgresOrderStore) async throws {
        try await waitUntil("the store recovers", within: .seconds(60)) { (try? await store.checkHealth(at: start)) != nil }
    }

    /// A writer alone behind a proxy, so that every byte on the wire is its own.
    private func withProxiedWriter(
        _ body: (PostgresPlace, PostgresOrderStore, GroupWriter, TCPProxy) async throws -> Void
    ) async throws {
        let server = try await PostgresUnderTest.common()
        let proxy = try await TCPProxy.start(to: server.port)
        let outcome: Result<Void, any Error>
        do {
            try await PostgresPlace.with { place in
                let store = try await place.open(place.configuration())
                let configuration = PostgresConfiguration(
                    url: Secret(server.url(port: proxy.port, parameters: "?sslmode=disable")), connectTimeout: .seconds(30),
                    statementTimeout: .seconds(60), answerTimeout: .seconds(5), schema: place.schema)
                let pool = PostgresPool(
                    configuration, options: .init(size: 1, acquireTimeout: .seconds(60)), clock: SystemClock(), admit: { _ in })
                let writer = GroupWriter(pool: pool, channel: "c", name: "n", clock: SystemClock(), logger: quiet) { _ in }
                let writing = Task { await writer.run() }
                let outcome: Result<Void, any Error>
                do { outcome = .success(try await body(place, store, writer, proxy)) } catch { outcome = .failure(error) }
                proxy.set(nil, .toClient, .toServer)
                writer.close()
                await writing.value
                await pool.close()
                await store.close()
                try outcome.get()
            }
            outcome = .success(())
        } catch { outcome = .failure(error) }
        await proxy.stop()
        try outcome.get()
    }

    @Test(arguments: TCPProxy.Direction.allCases)
    func `wherever the connection is cut, an admission is answered as what became of it`(_ direction: TCPProxy.Direction) async throws {
        try await withProxiedWriter { place, store, writer, proxy in
            func admit(_ name: String) async -> Result<AdmissionResult, StoreError> {
                let admission = admission(name)
                do throws(StoreError) {
                    return .success(try await writer.write(lookingFor: SignalKeyID(admission.signal)) { try await $0.admit(admission) })
                } catch { return .failure(error) }
            }
            // Ten of them first: from then on each takes the same number of bytes, until the journal's numbers get longer.
            for number in 0..<10 { _ = try await admit("warm\(number)").get() }
            let before = proxy.bytes(direction)
            _ = try await admit("measured").get()
            let size = proxy.bytes(direction) - before
            var (known, lost) = (0, 0)
            for offset in stride(from: 1, through: size, by: max(1, size / 24)) {
                let name = "cut-\(offset)"
                proxy.set(TCPProxy.Fault(cutAfter: offset, cutsWithReset: offset % 2 == 0), direction)
                let result = await admit(name)
                proxy.set(nil, direction)
                let isStored = try await store.signal(SignalID("sig-\(name)")) != nil
                switch result {
                case .success(let answer):
                    #expect(answer == .admitted && isStored, "cut after \(offset): \(answer), stored: \(isStored)")
                    known += 1
                case .failure(let error):
                    #expect(error.isUnavailable && !isStored, "cut after \(offset): \(error), stored: \(isStored)")
                    lost += 1
                }
                let hasOrder = try await store.order(OrderID("ord-\(name)")) != nil
                #expect(hasOrder == isStored, "cut after \(offset): half of it is stored")
            }
            // A connection that ends before its COMMIT is made anew, so that nearly all get through.
            #expect(known > 0 && proxy.cuts > 10, "\(known) known, \(lost) lost, \(proxy.cuts) cuts")
            #expect(try await store.verifyJournal() == nil)
        }
    }

    @Test(arguments: TCPProxy.Direction.allCases)
    func `wherever the connection is cut, a permit is granted once or not at all`(_ direction: TCPProxy.Direction) async throws {
        try await withProxiedWriter { place, store, writer, proxy in
            let tenure = try await store.openTenure(aTenure("a1")).tenure
            func permit(_ name: String) async throws -> Bool {
                _ = try await store.admit(admission(name))
                let request = aRequest(OrderID("ord-\(name)"), tenure)
                let granted = try? await writer.write { try await $0.permit(request) { grant($0.order) } }
                if case .granted = granted { return true }
                return false
            }
            for number in 0..<10 { #expect(try await permit("warm\(number)")) }
            let before = proxy.bytes(direction)
            #expect(try await permit("measured"))
            let size = proxy.bytes(direction) - before
            for offset in stride(from: 1, through: size, by: max(1, size / 24)) {
                let name = "cut-\(offset)"
                proxy.set(TCPProxy.Fault(cutAfter: offset), direction)
                let isGranted = try await permit(name)
                proxy.set(nil, direction)
                let snapshot = try #require(try await store.order(OrderID("ord-\(name)")))
                let isStored = snapshot.order.state == .permitted
                #expect(isGranted == isStored, "cut after \(offset): granted: \(isGranted), stored: \(isStored)")
                #expect(snapshot.attempts.count == (isStored ? 1 : 0), "cut after \(offset)")
                let lines = try await store.journal(of: SignalID("sig-\(name)")).count { $0.type == "order.permitted" }
                #expect(lines == (isStored ? 1 : 0), "cut after \(offset)")
            }
            #expect(proxy.cuts > 10)
            #expect(try await store.verifyJournal() == nil)
        }
    }

    @Test func `where the server says nothing any more, a call ends as unavailable, and later ones succeed`() async throws {
        try await withProxiedWriter { place, store, _, proxy in
            let server = try await PostgresUnderTest.common()
            var configuration = place.configuration(server.url(port: proxy.port, parameters: "?sslmode=disable"))
            configuration.statementTimeout = .seconds(1)
            configuration.connectTimeout = .seconds(1)
            let own = try await place.open(configuration)
            _ = try await own.admit(admission("first"))
            proxy.set(TCPProxy.Fault(isSilent: true), .toClient, .toServer)
            let error = await failure { _ = try await own.admit(admission("a")) }
            #expect(error?.isUnavailable == true, "\(String(describing: error))")
            proxy.set(nil, .toClient, .toServer)
            try await recovered(own)
            let again = try await own.admit(admission("a"))
            // It may have reached the server or not; nobody claimed to know.
            #expect(again == .admitted || again == .duplicate(first: "sig-a", StoredAnswer(status: 202, body: "answer")))
            #expect(try await store.verifyJournal() == nil)
            await own.close()
        }
    }

    @Test func `without its server a store is unavailable, and recovers by itself with everything that was acknowledged`() async throws {
        try await PostgresUnderTest.with { server in
            try await PostgresPlace.with(on: server) { place in
                let store = try await place.open(place.configuration())
                let told = Shared(0)
                let listening = Task { for await _ in store.commitsOfOthers() { told.withLock { $0 += 1 } } }
                #expect(try await store.admit(admission("a")) == .admitted)
                try await server.stop()
                for _ in 0..<2 {
                    #expect(await failure { _ = try await store.admit(admission("b")) }?.isUnavailable == true)
                    #expect(await failure { _ = try await store.order("ord-a") }?.isUnavailable == true)
                    #expect(await failure { try await store.checkHealth(at: start) }?.isUnavailable == true)
                }
                try await server.start()
                try await recovered(store)
                #expect(try await store.admit(admission("b")) == .admitted)
                #expect(try await store.signals(before: nil, limit: 10).count == 2)
                #expect(try await store.verifyJournal() == nil)
                // The word of others comes again, too.
                let other = try await place.open(place.configuration())
                let before = told.withLock { $0 }
                var number = 0
                try await waitUntil("a commit of another is told", within: .seconds(60)) {
                    number += 1
                    _ = try await other.admit(admission("other\(number)"))
                    return told.withLock { $0 } > before
                }
                await other.close()
                await store.close()
                await listening.value
            }
        }
    }

    @Test func `under load, sessions that the server ends and a server that crashes lose nothing that was acknowledged and double nothing`() async throws {
        try await PostgresUnderTest.with { server in
            try await PostgresPlace.with(on: server) { place in
                let stores = [try await place.open(place.configuration()), try await place.open(place.configuration())]
                let answered = Shared<Set<String>>([])
                let isDone = Shared(false)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for worker in 0..<8 {
                        group.addTask {
                            var number = 0
                            while !isDone.withLock({ $0 }) {
                                number += 1
                                let name = "\(worker)-\(number)"
                                // Who gets no answer asks again with the same key, as a sender does.
                                for _ in 0..<200 {
                                    if (try? await stores[worker % 2].admit(admission(name))) != nil {
                                        answered.withLock { _ = $0.insert(name) }
                                        break
                                    }
                                    try await SystemClock().sleep(for: .milliseconds(50))
                                }
                            }
                        }
                    }
                    group.addTask {
                        for round in 0..<6 {
                            let before = answered.withLock { $0.count }
                            try await waitUntil("work goes on", within: .seconds(120)) { answered.withLock { $0.count } > before + 20 }
                            if round % 3 == 2 {
                                try await server.stop()
                                try await server.start()
                            } else {
                                try await server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'")
                            }
                        }
                        isDone.withLock { $0 = true }
                    }
                    try await group.waitForAll()
                }
                for store in stores { try await recovered(store) }
                let names = answered.withLock { $0 }
                let (signals, orders) = (try await place.count("signals"), try await place.count("orders"))
                #expect(signals >= names.count && signals == orders, "\(names.count) acknowledged, \(signals) signals, \(orders) orders")
                for name in names where try await stores[0].signal(SignalID("sig-\(name)")) == nil { Issue.record("\(name) was acknowledged and is gone") }
                #expect(try await stores[0].verifyJournal() == nil)
                for store in stores { await store.close() }
            }
        }
    }

    @Test func `a writer that is stopped within a transaction blocks the others only until the server ends it`() async throws {
        try await PostgresPlace.with { place in
            let store = try await place.open(place.configuration())
            let stopped = try await PostgresConnection.connect(
                PostgresConfiguration(
                    url: Secret(place.url), connectTimeout: .seconds(30), statementTimeout: .seconds(60), idleInTransactionTimeout: .seconds(1),
                    schema: place.schema))
            let transaction = PostgresTransaction(on: stopped)
            _ = try await transaction.ask(PostgresStatement("SELECT epoch FROM meta WHERE id = 1 FOR UPDATE"))
            try await waitUntil("a writer gets through", within: .seconds(60)) { (try? await store.admit(admission("a"))) != nil }
            #expect(await (try? transaction.commit()) == nil)
            await stopped.close()
            await store.close()
        }
    }

    @Test func `an order that another transaction is changing is not claimed, and one that another claims is`() async throws {
        try await PostgresPlace.with { place in
            let store = try await place.open(place.configuration())
            for name in ["a", "b"] { _ = try await store.admit(admission(name)) }
            let other = try await PostgresConnection.connect(
                PostgresConfiguration(url: Secret(place.url), connectTimeout: .seconds(30), idleInTransactionTimeout: .seconds(60), schema: place.schema))
            let transaction = PostgresTransaction(on: other)
            _ = try await transaction.ask(PostgresStatement("SELECT 1 FROM orders WHERE id = 'ord-a' FOR UPDATE"))
            #expect(try await store.claim(of: ["a1"], limit: 10).map(\.id) == ["ord-b"])
            await transaction.rollback()
            let claiming = PostgresTransaction(on: other)
            _ = try await claiming.ask(PostgresStatement("SELECT 1 FROM orders FOR SHARE SKIP LOCKED"))
            #expect(try await store.claim(of: ["a1"], limit: 10).map(\.id) == ["ord-a", "ord-b"])
            await claiming.rollback()
            await other.close()
            await store.close()
        }
    }
}
