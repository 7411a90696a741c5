import BrokerContract
import ExchangeContract
import Logging
import SimulatorKit
import Synchronization
import TradingModel

/// One paper account: an exchange in this process whose history is a file.
public final class PaperBroker: Exchange {
    /// Events that wait for the consumer; beyond it they are dropped and a gap is told.
    static let eventBufferLimit = 10_000
    /// Every reason with which an order is refused.
    static let refusals: [RejectReason] = [
        .insufficientFunds, .invalidPrice, .priceOutOfRange, .invalidQuantity, .belowMinimum, .aboveMaximum, .invalidSymbol,
        .invalidParameter, .marketClosed, .noLiquidity, .postOnlyWouldTake, .wouldTriggerImmediately,
    ]

    public let capabilities = PaperPlugin.capabilities
    public let semantics = PaperPlugin.semantics
    public let events: AsyncStream<BrokerEvent>

    let ledger: PaperLedger
    let clock: any TradingClock
    private let instrumentsBySymbol: [Symbol: Instrument]
    private let continuation: AsyncStream<BrokerEvent>.Continuation
    private let hasGap = Mutex(false)

    init(_ configuration: PaperConfiguration, context: BrokerContext) {
        clock = context.clock
        instrumentsBySymbol = Dictionary(configuration.instruments.map { ($0.symbol, $0) }, uniquingKeysWith: { first, _ in first })
        var settings = ExchangeCore.Settings(
            instruments: configuration.instruments, prices: configuration.prices, initialBalances: configuration.balances,
            makerFee: configuration.fee, takerFee: configuration.fee, duplicateRule: .forever)
        settings.pendingFollowsFills = true
        ledger = PaperLedger(
            settings,
            directory: context.stateDirectory, clock: context.clock, logger: context.logger)
        (events, continuation) = AsyncStream.makeStream(of: BrokerEvent.self, bufferingPolicy: .bufferingOldest(Self.eventBufferLimit))
    }

    public func run() async throws(BrokerError) {
        let reached = try await ledger.open()
        tell(.connected)
        tell(reached)
        // A day at a time until cancelled; there is no connection to look after.
        while (try? await clock.sleep(for: .seconds(86_400))) != nil {}
        await ledger.close()
        tell(.disconnected(reason: "stopped"))
    }

    public var health: BrokerHealth {
        get async {
            let isOpen = await ledger.isOpen
            return BrokerHealth(
                isConnected: isOpen, streamIsUp: isOpen, rulesAreLoaded: true, clockOffset: .zero,
                detail: isOpen ? "embedded" : "the journal is not open")
        }
    }

    // MARK: Rules

    public func instrument(_ symbol: Symbol) async throws(BrokerError) -> Instrument {
        guard let instrument = instrumentsBySymbol[symbol] else {
            throw BrokerError(.notFound, effect: .notSent, "\(symbol) is not in this account's prices")
        }
        return instrument
    }

    public func instruments() async throws(BrokerError) -> [Instrument] { instrumentsBySymbol.values.sorted { $0.symbol < $1.symbol } }

    public func serverTime() async throws(BrokerError) -> Timestamp { clock.wallTime }

    func rules(_ symbol: Symbol) -> Instrument? { instrumentsBySymbol[symbol] }

    // MARK: Events

    func tell(_ events: [ExchangeEvent]) {
        for event in events {
            tell(.order(event.order.report))
            if case .traded(let trade) = event.kind { tell(.fill(trade.fill)) }
        }
    }

    private func tell(_ event: BrokerEvent) {
        hasGap.withLock { hasGap in
            if hasGap {
                guard case .enqueued = continuation.yield(.gap(reason: "the consumer was too slow")) else { return }
                hasGap = false
            }
            if case .dropped = continuation.yield(event) { hasGap = true }
        }
    }
}
