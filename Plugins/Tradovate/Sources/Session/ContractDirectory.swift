import BrokerContract
import TradingModel

/// Contracts with their rules, read once and read again when they have grown old.
actor ContractDirectory {
    private struct Entry {
        let listing: Listing
        let readAt: MonotonicInstant
    }

    private struct Row {
        let maturities: [TradovateMaturity]
        let readAt: MonotonicInstant
    }

    /// Rules older than this are read again.
    private static let maximumAge = Duration.seconds(1800)
    /// Contracts kept; beyond it the directory starts anew.
    private static let limit = 10_000

    private let api: TradovateAPI
    private let clock: any TradingClock
    private var byID: [Int64: Entry] = [:]
    private var idByName: [String: Int64] = [:]
    private var rows: [String: Row] = [:]
    private var contractByMaturity: [Int64: Int64] = [:]

    init(api: TradovateAPI, clock: any TradingClock) {
        self.api = api
        self.clock = clock
    }

    /// By the contract's own name, or by a place in the row of contracts and the operator's rule for it.
    func listing(_ symbol: Symbol, roll: [String: RollRule]) async throws(BrokerError) -> Listing {
        guard symbol.rawValue.hasSuffix("!") else { return try await listing(named: symbol.rawValue) }
        guard let place = ContinuousSymbol(symbol) else {
            throw BrokerError(.notFound, effect: .notSent, "\(symbol) is no symbol of the form MNQ1!")
        }
        guard let rule = roll[place.root] else {
            throw BrokerError(
                .notFound, effect: .notSent,
                "\(symbol) names no contract without a roll rule; state one, such as roll: { \(place.root): 5d_before_expiry }, or trade the contract by its name")
        }
        return try await listing(place, rule)
    }

    func listing(_ id: Int64) async throws(BrokerError) -> Listing {
        if let entry = byID[id], isFresh(entry.readAt) { return entry.listing }
        return try await read(try Self.mapped(TradovateContract.init, try await api.query("/contract/item", ["id": String(id)])))
    }

    private func listing(named name: String) async throws(BrokerError) -> Listing {
        if let id = idByName[name], let entry = byID[id], isFresh(entry.readAt) { return entry.listing }
        let contract: TradovateContract
        do { contract = try Self.mapped(TradovateContract.init, try await api.query("/contract/find", ["name": name])) } catch {
            guard error.kind == .notFound else { throw error }
            throw BrokerError(.notFound, effect: .refused, "the venue does not list \(name)")
        }
        guard contract.name == name else { throw BrokerError(.notFound, effect: .refused, "the venue lists \(contract.name), not \(name)") }
        return try await read(contract)
    }

    private func listing(_ place: ContinuousSymbol, _ rule: RollRule) async throws(BrokerError) -> Listing {
        let maturities = try await maturities(of: place.root)
        guard let maturity = rule.choose(place.position, from: maturities, at: clock.wallTime) else {
            throw BrokerError(.notFound, effect: .refused, "\(place.root) has no contract number \(place.position) by the rule \(rule)")
        }
        if let id = contractByMaturity[maturity.id] { return try await listing(id) }
        let rows = try await api.list("/contract/deps", ["masterid": String(maturity.id)])
        let contracts = try Self.mapped({ try $0.map(TradovateContract.init) }, rows)
        // Spreads share the maturity: the outright contract is the root, a month letter and a digit of the year.
        let outright = contracts.first { $0.name.hasPrefix(place.root) && $0.name.count == place.root.count + 2 }
        guard let outright else { throw BrokerError(.notFound, effect: .refused, "the venue lists no contract of \(place.root) for this maturity") }
        contractByMaturity[maturity.id] = outright.id
        return try await read(outright)
    }

    private func maturities(of root: String) async throws(BrokerError) -> [TradovateMaturity] {
        if let row = rows[root], isFresh(row.readAt) { return row.maturities }
        let product: TradovateProduct
        do { product = try Self.mapped(TradovateProduct.init, try await api.query("/product/find", ["name": root])) } catch {
            guard error.kind == .notFound else { throw error }
            throw BrokerError(.notFound, effect: .refused, "the venue has no product \(root)")
        }
        let list = try await api.list("/contractMaturity/deps", ["masterid": String(product.id)])
        let maturities = try Self.mapped({ try $0.map(TradovateMaturity.init) }, list)
        rows[root] = Row(maturities: maturities, readAt: clock.monotonic)
        return maturities
    }

    private func read(_ contract: TradovateContract) async throws(BrokerError) -> Listing {
        let maturity = try Self.mapped(
            TradovateMaturity.init, try await api.query("/contractMaturity/item", ["id": String(contract.maturityID)]))
        let product = try Self.mapped(TradovateProduct.init, try await api.query("/product/item", ["id": String(maturity.productID)]))
        let listing = Listing(contract: contract, maturity: maturity, product: product)
        if byID.count >= Self.limit {
            byID.removeAll()
            idByName.removeAll()
            contractByMaturity.removeAll()
        }
        byID[contract.id] = Entry(listing: listing, readAt: clock.monotonic)
        idByName[contract.name] = contract.id
        return listing
    }

    private func isFresh(_ readAt: MonotonicInstant) -> Bool { clock.monotonic - readAt < Self.maximumAge }

    private static func mapped<From, To>(_ map: (From) throws -> To, _ value: From) throws(BrokerError) -> To {
        do { return try map(value) } catch {
            throw BrokerError(.malformedReply, effect: .unknown, "an entity could not be read", underlying: error)
        }
    }
}
