import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import TradingModel

/// The oracle and the controls that every simulator serves under `/_sim`, to this machine only.
public struct SimulatorControls: Sendable {
    public let exchange: SimulatedExchange
    public let faults: FaultPlan
    public let streams: StreamFaults
    public let log: RequestLog
    /// What the venue itself keeps and must forget on a reset.
    let onReset: @Sendable () -> Void
    /// What the venue itself does after the market has moved, given what happened on the exchange; a control answers when it is done.
    let onChange: @Sendable ([ExchangeEvent]) async throws -> Void
    /// What the venue itself calls an order of the exchange: its id, and the word for its type.
    let names: @Sendable (SimulatedOrder) -> (venueOrderID: String, type: String)

    public init(
        exchange: SimulatedExchange, faults: FaultPlan, streams: StreamFaults, log: RequestLog,
        onReset: @escaping @Sendable () -> Void = {}, onChange: @escaping @Sendable ([ExchangeEvent]) async throws -> Void = { _ in },
        names: @escaping @Sendable (SimulatedOrder) -> (venueOrderID: String, type: String) = { (String($0.id), $0.kind.rawValue) }
    ) {
        self.exchange = exchange
        self.faults = faults
        self.streams = streams
        self.log = log
        self.onReset = onReset
        self.onChange = onChange
        self.names = names
    }

    public func addRoutes(to router: Router<ChannelContext>) {
        let group = router.group("_sim")
        group.get("orders") { _, context in try reply(context) { orders } }
        group.get("fills") { _, context in try reply(context) { fills } }
        group.get("requests") { _, context in try reply(context) { log.json } }
        group.get("faults") { _, context in try reply(context) { .array(faults.pending.map(\.json)) } }
        group.post("price") { request, context in
            try await command(request, context) { body in
                try await onChange(try refusable { try exchange.setPrice(Price(try decimal(body, "price")), of: try symbol(body)) })
            }
        }
        group.post("liquidity") { request, context in
            try await command(request, context) { body in
                let quantity = body["quantity"] == .null ? nil : Quantity(try decimal(body, "quantity"))
                try await onChange(try refusable { try exchange.setLiquidity(quantity, of: try symbol(body)) })
            }
        }
        group.post("fill") { request, context in
            try await command(request, context) { body in
                guard let id = body["client_order_id"]?.scalarText else { throw ControlError("'client_order_id' is required") }
                guard let order = exchange.read({ core in core.orders.last { $0.clientOrderID == id && !$0.status.isTerminal } }) else {
                    throw ControlError("no open order '\(id)'")
                }
                try await onChange(try refusable { try exchange.fill(order.id, quantity: Quantity(try decimal(body, "quantity"))) })
            }
        }
        group.post("reset") { request, context in
            try await command(request, context, needsBody: false) { _ in reset() }
        }
        group.post("faults") { request, context in
            try await command(request, context) { body in
                guard case .array(let entries) = body else { throw ControlError("faults are a list: [{\"on\":\"place\",\"action\":\"hang\"}]") }
                var planned: [Fault] = []
                for (index, entry) in entries.enumerated() {
                    do throws(ControlError) { planned.append(try Fault(entry)) } catch {
                        throw ControlError("fault \(index): \(error.description)")
                    }
                }
                try faults.add(planned)
                streams.playImmediateFaults()
            }
        }
    }

    /// Back to the state of the start: no orders, no faults, first prices.
    public func reset() {
        exchange.reset()
        faults.clear()
        log.clear()
        onReset()
    }

    /// Every order that the venue ever accepted, oldest first.
    public var orders: JSONValue { .array(exchange.read { core in core.orders }.map(json)) }

    /// Every execution, order by order in the sequence of their acceptance.
    public var fills: JSONValue {
        let trades = exchange.read { core in core.orders.map { core.trades(of: $0.id) } }.joined()
        return .array(
            trades.map { trade in
                .object([
                    "execution_id": .integer(trade.id), "client_order_id": .string(trade.clientOrderID), "symbol": .string(trade.symbol.rawValue),
                    "side": .string(trade.side.rawValue), "price": .string(trade.price.description), "quantity": .string(trade.quantity.description),
                    "fee": .string(trade.fee.description), "fee_asset": .string(trade.feeAsset.rawValue), "at": .string(trade.executedAt.description),
                    "at_microseconds": .integer(Int(trade.executedAt.microseconds)),
                ])
            })
    }

    func json(_ order: SimulatedOrder) -> JSONValue {
        let decimal = { (value: (any ExactDecimal)?) -> JSONValue in value.map { .string($0.description) } ?? .null }
        let names = names(order)
        return .object([
            "client_order_id": .string(order.clientOrderID), "venue_order_id": .string(names.venueOrderID),
            "account": .string(order.account.count > 8 ? order.account.prefix(4) + "…" + order.account.suffix(4) : order.account),
            "symbol": .string(order.symbol.rawValue), "side": .string(order.side.rawValue), "type": .string(names.type),
            "time_in_force": .string(order.timeInForce.rawValue), "quantity": .string(order.quantity.description),
            "price": decimal(order.limitPrice), "stop_price": decimal(order.stopPrice), "status": .string(order.status.rawValue),
            "filled_quantity": .string(order.filledQuantity.description), "average_price": decimal(order.averagePrice),
            "accepted_at": .string(order.acceptedAt.description),
            "accepted_at_microseconds": .integer(Int(order.acceptedAt.microseconds)), "updated_at": .string(order.updatedAt.description),
        ])
    }

    // MARK: Requests

    /// Of a control request's body.
    private static let maximumBodyBytes = 256 * 1024

    private func command(
        _ request: Request, _ context: ChannelContext, needsBody: Bool = true, _ body: (JSONValue) async throws -> Void
    ) async throws -> Response {
        guard context.isLoopback else { return Self.response(.forbidden, ["error": "controls answer this machine only"]) }
        do {
            let bytes = try await request.body.collect(upTo: Self.maximumBodyBytes)
            try await body(needsBody ? try JSONValue(parsing: String(buffer: bytes)) : .null)
            return Self.response(.ok, ["ok": true])
        } catch let error as ControlError {
            return Self.response(.badRequest, ["error": .string(error.description)])
        } catch let error as JSONError {
            return Self.response(.badRequest, ["error": .string("not JSON: \(error)")])
        }
    }

    private func reply(_ context: ChannelContext, _ body: () -> JSONValue) throws -> Response {
        guard context.isLoopback else { return Self.response(.forbidden, ["error": "the oracle answers this machine only"]) }
        return Self.response(.ok, body())
    }

    private static func response(_ status: HTTPResponse.Status, _ members: KeyValuePairs<String, JSONValue>) -> Response {
        response(status, .object(members))
    }

    private static func response(_ status: HTTPResponse.Status, _ json: JSONValue) -> Response {
        Response(status: status, headers: [.contentType: "application/json"], body: .init(byteBuffer: ByteBuffer(string: json.text)))
    }

    private func symbol(_ body: JSONValue) throws -> Symbol {
        guard let text = body["symbol"]?.scalarText else { throw ControlError("'symbol' is required") }
        return Symbol(text)
    }

    private func decimal(_ body: JSONValue, _ name: String) throws -> Decimal {
        guard let text = body[name]?.scalarText else { throw ControlError("'\(name)' is required") }
        do { return try Decimal(exactly: text) } catch { throw ControlError("\(name): \(error)") }
    }

    private func refusable<T>(_ body: () throws -> T) throws -> T {
        do { return try body() } catch let refusal as ExchangeRefusal { throw ControlError("\(refusal)") }
    }
}
