import Foundation
import SimulatorKit
import TradingModel

/// The listed products with their contracts: quarterly months, five of them from now on.
struct TradovateMarket: Sendable {
    struct Product: Sendable {
        let id: Int64
        let root: String
        let tickSize: Price
        let valuePerPoint: Quantity
        /// What one contract needs of the account's cash.
        let margin: Notional
        let price: Price
    }

    struct Contract: Sendable {
        let id: Int64
        let name: String
        let maturityID: Int64
        let expiration: Timestamp
        let expirationMonth: Int64
        let isFront: Bool
        let product: Product
    }

    /// Ticks and point values: CME contract specifications, as in the venue's product entities.
    static let products: [Product] = {
        let quarter = Price(Decimal(sign: .plus, exponent: -2, significand: 25))
        let nasdaq = Price(21250) + quarter
        return [
            Product(id: 772, root: "MNQ", tickSize: quarter, valuePerPoint: 2, margin: 100, price: nasdaq),
            Product(id: 773, root: "MES", tickSize: quarter, valuePerPoint: 5, margin: 50, price: 6000),
            Product(id: 774, root: "NQ", tickSize: quarter, valuePerPoint: 20, margin: 1000, price: nasdaq),
            Product(id: 775, root: "ES", tickSize: quarter, valuePerPoint: 50, margin: 500, price: 6000),
        ]
    }()

    static let monthsListed = 5
    private static let letters: [Int64: String] = [3: "H", 6: "M", 9: "U", 12: "Z"]

    let contracts: [Contract]

    init(at now: Timestamp) {
        let maturities = Self.expirations(from: now)
        contracts = Self.products.enumerated().flatMap { index, product in
            maturities.enumerated().map { number, maturity in
                let offset = Int64(index * 100 + number)
                return Contract(
                    id: 560_901 + offset, name: "\(product.root)\(Self.letters[maturity.month] ?? "Z")\(maturity.year % 10)",
                    maturityID: 50_801 + offset, expiration: maturity.at, expirationMonth: maturity.year * 100 + maturity.month,
                    isFront: number == 0, product: product)
            }
        }
    }

    func contract(named name: String) -> Contract? { contracts.first { $0.name == name } }
    func contract(_ id: Int64) -> Contract? { contracts.first { $0.id == id } }

    /// The third Fridays of the quarters, at 14:30 UTC, that are still to come.
    private static func expirations(from now: Timestamp) -> [(year: Int64, month: Int64, at: Timestamp)] {
        var found: [(year: Int64, month: Int64, at: Timestamp)] = []
        var year = Int64(now.description.prefix(4)) ?? 2026
        while found.count < monthsListed {
            for month: Int64 in [3, 6, 9, 12] where found.count < monthsListed {
                let digits = month < 10 ? "0\(month)" : "\(month)"
                guard let first = Timestamp(rfc3339: "\(year)-\(digits)-01T14:30:00Z") else { continue }
                // 1970-01-01 was a Thursday; Sunday counts as 0.
                let weekday = (first.microseconds / 86_400_000_000 + 4) % 7
                let day = (5 - weekday + 7) % 7 + 14
                let expiration = first + .seconds(day * 86400)
                if expiration > now { found.append((year, month, expiration)) }
            }
            year += 1
        }
        return found
    }

    var instruments: [Instrument] {
        contracts.map {
            Instrument(symbol: Symbol($0.name), base: Asset($0.name), quote: "USD", tickSize: $0.product.tickSize, lotSize: 1)
        }
    }

    // MARK: Entities

    var contractEntities: [JSONValue] {
        contracts.map { .object(["id": .integer($0.id), "name": .string($0.name), "contractMaturityId": .integer($0.maturityID)]) }
    }

    var maturityEntities: [JSONValue] {
        contracts.map {
            .object([
                "id": .integer($0.maturityID), "productId": .integer($0.product.id), "expirationMonth": .integer($0.expirationMonth),
                "expirationDate": .string($0.expiration.description), "firstIntentDate": .string($0.expiration.description),
                "isFront": .boolean($0.isFront),
            ])
        }
    }

    static var productEntities: [JSONValue] {
        products.map {
            .object([
                "id": .integer($0.id), "name": .string($0.root), "currencyId": 1, "productType": "Futures",
                "description": .string("\($0.root) future"), "exchangeId": 1, "contractGroupId": 22, "status": "Verified", "months": "HMUZ",
                "isSecured": false, "valuePerPoint": .decimal($0.valuePerPoint), "priceFormatType": "Decimal", "priceFormat": 2,
                "tickSize": .decimal($0.tickSize),
            ])
        }
    }
}

extension JSONValue {
    /// A JSON number with the decimal's own digits.
    static func decimal(_ value: some ExactDecimal) -> JSONValue { .number(value.description) }
    static func time(_ value: Timestamp) -> JSONValue { .string(value.description) }

    var integer: Int64? { scalarText.flatMap { Int64($0) } }
    var string: String? { if case .string(let text) = self { text } else { nil } }

    /// The object with one member changed or added.
    func setting(_ name: String, _ value: JSONValue) -> JSONValue {
        guard case .object(let members) = self else { return self }
        return .object(members.filter { $0.name != name } + [Member(name, value)])
    }
}
