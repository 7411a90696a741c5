import AdapterKit
import BrokerContract
import Foundation
import TradingModel

@testable import Coinbase

/// Keys made for these tests only.
enum TestKeys {
    static let name = "organizations/o1/apiKeys/k1"

    static let sec1 = """
        -----BEGIN EC PRIVATE KEY-----
        MHcCAQEEINy9JqbfgVIaqgvtp1Wl/blRL3ehdexaHX+PU1r0cYQCoAoGCCqGSM49
        AwEHoUQDQgAEptUZ6wI2DA/gR1sNYxuR796ApLfpJeB3QnQObDL70bjHRHwjBLi6
        0YxFLr7a97z366QJcSQr3PYUp70L95wtbA==
        -----END EC PRIVATE KEY-----
        """

    static let pkcs8 = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg3L0mpt+BUhqqC+2n
        VaX9uVEvd6F17Fodf49TWvRxhAKhRANCAASm1RnrAjYMD+BHWw1jG5Hv3oCkt+kl
        4HdCdA5sMvvRuMdEfCMEuLrRjEUuvtr3vPfrpAlxJCvc9hSnvQv3nC1s
        -----END PRIVATE KEY-----
        """

    static let publicKey = """
        -----BEGIN PUBLIC KEY-----
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEptUZ6wI2DA/gR1sNYxuR796ApLfp
        JeB3QnQObDL70bjHRHwjBLi60YxFLr7a97z366QJcSQr3PYUp70L95wtbA==
        -----END PUBLIC KEY-----
        """

    /// Source: RFC 8032, section 7.1, test 1: the secret key, the same with the public key after it, and as PKCS#8.
    static let seed = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
    static let seedAndPublic = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg=="
    static let ed25519 = """
        -----BEGIN PRIVATE KEY-----
        MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
        -----END PRIVATE KEY-----
        """
}

let testReference = OrderReference(symbol: "BTC-USD", clientOrderID: ClientOrderID(CoinbaseFixtures.clientID), venueOrderID: nil)

/// A client order id of its own for a test's number.
func testID(_ number: Int) -> ClientOrderID {
    let digits = String(number, radix: 16)
    return ClientOrderID("6f0c4a51-1d0a-8c5e-9a53-" + String(repeating: "0", count: 12 - digits.count) + digits)
}

func testProduct(_ flags: String = "") throws -> CoinbaseProduct {
    try JSONDecoder().decode(CoinbaseProductReply.self, from: Data(CoinbaseFixtures.product(flags).utf8)).product()
}

func testOrder(
    _ type: OrderType = .limit, side: Side = .buy, quantity: String = "0.001", limit: String? = "60000", stop: String? = nil,
    timeInForce: TimeInForce = .gtc, goodTill: Timestamp? = nil, postOnly: Bool = false, reduceOnly: Bool = false, bracket: Bracket? = nil,
    id: ClientOrderID = ClientOrderID(CoinbaseFixtures.clientID)
) throws -> NewOrder {
    try NewOrder(
        clientOrderID: id, symbol: "BTC-USD", side: side, type: type, quantity: try Quantity(quantity),
        limitPrice: try limit.map { try Price($0) }, stopPrice: try stop.map { try Price($0) }, timeInForce: timeInForce,
        goodTill: goodTill, postOnly: postOnly, reduceOnly: reduceOnly, bracket: bracket)
}

func reply(_ status: Int, _ body: String, headers: [(name: String, value: String)] = []) -> VenueReply {
    VenueReply(status: status, headers: headers, body: Array(body.utf8))
}

extension PlaceOutcome {
    var refusal: RejectReason? { if case .refused(let reason, _) = self { reason } else { nil } }
    var doubt: UnknownCause? { if case .unknown(let cause, _) = self { cause } else { nil } }
    var acceptance: OrderReport? { if case .accepted(let report, _, _) = self { report } else { nil } }
    var notSentReason: NotSentReason? { if case .notSent(let reason, _) = self { reason } else { nil } }
}

extension LookupResult {
    var report: OrderReport? { if case .found(let report) = self { report } else { nil } }
}
