/// One connection that carries the account's events.
protocol BinanceUserStream: Sendable {
    /// Connects, subscribes, and hands over events until the connection ends. Throws ``BinanceStreamEnd`` or what the transport says.
    func run(
        onSubscribed: @escaping @Sendable () -> Void, onExecution: @escaping @Sendable (BinanceExecutionReport) -> Void
    ) async throws
}

/// How a connection ended. Every end means that events may have been missed.
enum BinanceStreamEnd: Error {
    /// The subscription was refused in words that speak of the key.
    case keyRefused(BinanceErrorReply)
    case ended(String)
}
