import AdapterKit
import TradingModel

/// What an entity lacks, so that it cannot be taken as told.
struct TradovateMappingError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Reads the members of one entity. Absent values are left out by the venue, not sent as null.
struct EntityReader {
    let json: WireJSON

    func integer(_ name: String) throws -> Int64 {
        guard let value = json[name]?.integer else { throw TradovateMappingError("\(name) is missing or no whole number") }
        return value
    }

    func text(_ name: String) throws -> String {
        guard let value = json[name]?.string else { throw TradovateMappingError("\(name) is missing or no text") }
        return value
    }

    func time(_ name: String) throws -> Timestamp {
        guard let value = Timestamp(rfc3339: try text(name)) else { throw TradovateMappingError("\(name) is no time") }
        return value
    }

    func decimal<D: ExactDecimal>(_ name: String, as type: D.Type = D.self) throws -> D {
        guard let value: D = try optionalDecimal(name) else { throw TradovateMappingError("\(name) is missing") }
        return value
    }

    func optionalDecimal<D: ExactDecimal>(_ name: String, as type: D.Type = D.self) throws -> D? {
        guard let member = json[name] else { return nil }
        guard let text = member.decimalText else { throw TradovateMappingError("\(name) is no number") }
        return try D(text)
    }

    func side() throws -> Side {
        switch try text("action") {
        case "Buy": .buy
        case "Sell": .sell
        case let word: throw TradovateMappingError("unknown action \(word.prefix(20))")
        }
    }
}

/// An order. It has no quantity, price, type or client id: those are on its versions and commands.
struct TradovateOrder: Sendable, Hashable {
    let id: Int64
    let accountID: Int64
    let contractID: Int64
    let timestamp: Timestamp
    let side: Side
    let status: String
    /// The order that must fill before this one works.
    let parentID: Int64?

    init(_ json: WireJSON) throws {
        let entity = EntityReader(json: json)
        id = try entity.integer("id")
        accountID = try entity.integer("accountId")
        contractID = try entity.integer("contractId")
        timestamp = try entity.time("timestamp")
        side = try entity.side()
        status = try entity.text("ordStatus")
        parentID = json["parentId"]?.integer
    }
}

/// The terms of an order since its creation or one of its modifications, whose command has the same id.
struct TradovateVersion: Sendable, Hashable {
    let id: Int64
    let orderID: Int64
    let quantity: Quantity
    let type: String
    let price: Price?
    let stopPrice: Price?
    let pegDifference: Price?
    let timeInForce: String?
    let expireTime: String?
    let text: String?

    init(_ json: WireJSON) throws {
        let entity = EntityReader(json: json)
        id = try entity.integer("id")
        orderID = try entity.integer("orderId")
        quantity = try entity.decimal("orderQty")
        type = try entity.text("orderType")
        price = try entity.optionalDecimal("price")
        stopPrice = try entity.optionalDecimal("stopPrice")
        pegDifference = try entity.optionalDecimal("pegDifference")
        timeInForce = json["timeInForce"]?.string
        expireTime = json["expireTime"]?.string
        text = json["text"]?.string
    }
}

/// A request to place, modify or cancel, as the venue keeps it. The client order id is here.
struct TradovateCommand: Sendable, Hashable {
    let id: Int64
    let orderID: Int64
    let clientID: String?
    let type: String
    let status: String

    init(_ json: WireJSON) throws {
        let entity = EntityReader(json: json)
        id = try entity.integer("id")
        orderID = try entity.integer("orderId")
        clientID = json["clOrdId"]?.string
        type = try entity.text("commandType")
        status = try entity.text("commandStatus")
    }
}

/// What became of a command.
struct TradovateCommandReport: Sendable, Hashable {
    let id: Int64
    let commandID: Int64
    let status: String
    let rejectReason: String?
    let text: String?

    init(_ json: WireJSON) throws {
        let entity = EntityReader(json: json)
        id = try entity.integer("id")
        commandID = try entity.integer("commandId")
        status = try entity.text("commandStatus")
        rejectReason = json["rejectReason"]?.string
        text = json["text"]?.string
    }
}

/// What the exchange said about an order.
struct TradovateExecution: Sendable, Hashable {
    let id: Int64
    let commandID: Int64
    let orderID: Int64
    let timestamp: Timestamp
    let type: String
    let cumulativeQuantity: Quantity?
    let averagePrice: Price?
    let rejectReason: String?
    let text: String?

    init(_ json: WireJSON) throws {
        let entity = EntityReader(json: json)
        id = try entity.integer("id")
        commandID = try entity.integer("commandId")
        orderID = try entity.integer("orderId")
        timestamp = try entity.time("timestamp")
        type = try entity.text("execType")
        cumulativeQuantity = try entity.optionalDecimal("cumQty")
        averagePrice = try entity.optionalDecimal("avgPx")
        rejectReason = json["rejectReason"]?.string
        text = json["text"]?.string
    }
}

struct TradovateFill: Sendable, Hashable {
    let id: Int64
    let orderID: Int64
    let contractID: Int64
    let timestamp: Timestamp
    let side: Side
    let quantity: Quantity
    let price: Price
    /// False for a trade that the exchange has undone.
    let isActive: Bool

    init(_ json: WireJSON) throws {
        let entity = EntityReader(json: json)
        id = try entity.integer("id")
        orderID = try entity.integer("orderId")
        contractID = try entity.integer("contractId")
        timestamp = try entity.time("timestamp")
        side = try entity.side()
        quantity = try entity.decimal("qty")
        price = try entity.decimal("price")
        isActive = json["active"]?.boolean ?? true
        guard quantity > 0 else { throw TradovateMappingError("a fill of \(quantity)") }
    }
}

/// The fees of one fill; they come later than it.
struct TradovateFee: Sendable, Hashable {
    /// The fill's id.
    let id: Int64
    let total: Notional

    private static let parts = ["clearingFee", "exchangeFee", "nfaFee", "brokerageFee", "ipFee", "commission", "orderRoutingFee"]

    init(_ json: WireJSON) throws {
        let entity = EntityReader(json: json)
        id = try entity.integer("id")
        total = try Self.parts.reduce(.zero) { sum, part in sum + (try entity.optionalDecimal(part) ?? .zero) }
    }
}

/// What an account holds of one contract; a closed one stays listed with zero.
struct TradovatePosition: Sendable, Hashable {
    let accountID: Int64
    let contractID: Int64
    let quantity: Quantity
    let price: Price?

    init(_ json: WireJSON) throws {
        let entity = EntityReader(json: json)
        accountID = try entity.integer("accountId")
        contractID = try entity.integer("contractId")
        quantity = try entity.decimal("netPos")
        price = try entity.optionalDecimal("netPrice")
    }
}

struct TradovateAccount: Sendable, Hashable {
    let id: Int64
    let name: String

    init(_ json: WireJSON) throws {
        let entity = EntityReader(json: json)
        id = try entity.integer("id")
        name = try entity.text("name")
    }
}

struct TradovateContract: Sendable, Hashable {
    let id: Int64
    let name: String
    let maturityID: Int64

    init(_ json: WireJSON) throws {
        let entity = EntityReader(json: json)
        id = try entity.integer("id")
        name = try entity.text("name")
        maturityID = try entity.integer("contractMaturityId")
    }
}

struct TradovateMaturity: Sendable, Hashable {
    let id: Int64
    let productID: Int64
    let expiration: Timestamp
    let isFront: Bool

    init(_ json: WireJSON) throws {
        let entity = EntityReader(json: json)
        id = try entity.integer("id")
        productID = try entity.integer("productId")
        expiration = try entity.time("expirationDate")
        isFront = json["isFront"]?.boolean ?? false
    }
}

struct TradovateProduct: Sendable, Hashable {
    let id: Int64
    let name: String
    let status: String
    let currencyID: Int64
    let tickSize: Price
    let valuePerPoint: Quantity

    init(_ json: WireJSON) throws {
        let entity = EntityReader(json: json)
        id = try entity.integer("id")
        name = try entity.text("name")
        status = json["status"]?.string ?? ""
        currencyID = json["currencyId"]?.integer ?? 1
        tickSize = try entity.decimal("tickSize")
        valuePerPoint = try entity.decimal("valuePerPoint")
        guard tickSize > 0, valuePerPoint > 0 else { throw TradovateMappingError("product \(name) has no tick") }
    }
}
