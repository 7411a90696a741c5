import Crypto
import Foundation
import Testing
import TradingModel

@testable import Coinbase
@testable import CoinbaseSimulator

/// Tokens, against vectors that PyJWT and Python's cryptography made from the keys of these tests.
@Suite struct SignerTests {
    private static let uri = "GET api.coinbase.com/api/v3/brokerage/accounts"
    private static let now = Timestamp(milliseconds: 1_795_233_600_999)

    /// Sorted members, nonce `00ff`. Ed25519 signs deterministically.
    private static let edToken =
        "eyJhbGciOiJFZERTQSIsImtpZCI6Im9yZ2FuaXphdGlvbnMvbzEvYXBpS2V5cy9rMSIsIm5vbmNlIjoiMDBmZiIsInR5cCI6IkpXVCJ9."
        + "eyJleHAiOjE3OTUyMzM3MjAsImlzcyI6ImNkcCIsIm5iZiI6MTc5NTIzMzYwMCwic3ViIjoib3JnYW5pemF0aW9ucy9vMS9hcGlLZXlzL2sxIiwidXJpIjoiR0VUIGFwaS5jb2luYmFzZS5jb20vYXBpL3YzL2Jyb2tlcmFnZS9hY2NvdW50cyJ9."
        + "_yRq2MnGlrscFV02GZEBEn_RyMp5T3Xy1Td7RePnKQeBKSTOyy69Onc6i3hD1MBHEV7SrlYIAGF8stKCqRiMCg"

    private static let esToken =
        "eyJhbGciOiJFUzI1NiIsImtpZCI6Im9yZ2FuaXphdGlvbnMvbzEvYXBpS2V5cy9rMSIsIm5vbmNlIjoiMDBmZiIsInR5cCI6IkpXVCJ9."
        + "eyJzdWIiOiJvcmdhbml6YXRpb25zL28xL2FwaUtleXMvazEiLCJpc3MiOiJjZHAiLCJuYmYiOjE3OTUyMzM2MDAsImV4cCI6MTc5NTIzMzcyMCwidXJpIjoiR0VUIGFwaS5jb2luYmFzZS5jb20vYXBpL3YzL2Jyb2tlcmFnZS9hY2NvdW50cyJ9."
        + "ZqIHTMbVKzmcwjXUY9uF401Vb6DxiIUUhjza34JuOctdxwBSJ1VGDU88ImVOzKt-s4zhmzqUYR7VzyVd5160GA"

    private static func part(_ token: String, _ index: Int) throws -> [String: any Sendable] {
        let text = String(try #require(token.split(separator: ".").dropFirst(index).first)).replacing("-", with: "+").replacing("_", with: "/")
        let data = try #require(Data(base64Encoded: text + String(repeating: "=", count: (4 - text.count % 4) % 4)))
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: any Sendable])
    }

    private static func p256() throws -> CoinbasePublicKey { .p256(try P256.Signing.PublicKey(pemRepresentation: TestKeys.publicKey)) }

    @Test(arguments: [TestKeys.seed, TestKeys.seedAndPublic, TestKeys.ed25519, TestKeys.ed25519.replacing("\n", with: "\\n")])
    func `an Ed25519 token comes out as the vector, from every form of the key`(_ key: String) throws {
        let signer = try CoinbaseSigner(keyName: TestKeys.name, privateKey: Secret(key), makeNonce: { "00ff" })
        #expect(try signer.token(uri: Self.uri, at: Self.now) == Self.edToken)
    }

    @Test(arguments: [TestKeys.sec1, TestKeys.pkcs8, TestKeys.sec1.replacing("\n", with: "\\n"), "  \(TestKeys.sec1)\n"])
    func `an ES256 token has the venue's claims and verifies, from every form of the key`(_ key: String) throws {
        let token = try CoinbaseSigner(keyName: TestKeys.name, privateKey: Secret(key)).token(uri: Self.uri, at: Self.now)
        let header = try Self.part(token, 0)
        #expect(header["alg"] as? String == "ES256" && header["typ"] as? String == "JWT" && header["kid"] as? String == TestKeys.name)
        #expect((header["nonce"] as? String)?.count == 64)
        let claims = try Self.part(token, 1)
        #expect(claims["iss"] as? String == "cdp" && claims["sub"] as? String == TestKeys.name && claims["uri"] as? String == Self.uri)
        #expect(claims["nbf"] as? Int == 1_795_233_600 && claims["exp"] as? Int == 1_795_233_720)
        let read = try #require(CoinbaseToken(token))
        #expect(read.isGood(at: Self.now, uris: [Self.uri], key: try Self.p256()))
    }

    @Test func `each token has a nonce of its own`() throws {
        let signer = try CoinbaseSigner(keyName: "k", privateKey: Secret(TestKeys.sec1))
        #expect(try signer.token(uri: nil, at: Self.now) != signer.token(uri: nil, at: Self.now))
    }

    @Test func `a WebSocket token names no URI`() throws {
        let token = try CoinbaseSigner(keyName: "k", privateKey: Secret(TestKeys.sec1)).token(uri: nil, at: Self.now)
        #expect(try Self.part(token, 1)["uri"] == nil)
    }

    @Test func `the simulator believes a token of another maker, and none that is altered, old, early or for something else`() throws {
        let key = try Self.p256()
        let good = try #require(CoinbaseToken(Self.esToken))
        #expect(good.isGood(at: Self.now, uris: [Self.uri], key: key))
        #expect(!good.isGood(at: Self.now + .seconds(120), uris: [Self.uri], key: key))
        #expect(!good.isGood(at: Self.now - .seconds(60), uris: [Self.uri], key: key))
        #expect(!good.isGood(at: Self.now, uris: ["POST api.coinbase.com/api/v3/brokerage/orders"], key: key))
        #expect(!good.isGood(at: Self.now, uris: nil, key: key))
        let altered = try #require(CoinbaseToken(Self.esToken.replacing("ZqIHT", with: "ZqIHU")))
        #expect(!altered.isGood(at: Self.now, uris: [Self.uri], key: key))
        let other = try #require(CoinbaseToken(Self.edToken))
        #expect(!other.isGood(at: Self.now, uris: [Self.uri], key: key))
        #expect(CoinbaseToken("a.b") == nil && CoinbaseToken("") == nil)
    }

    @Test(arguments: ["", "hello", "AAAA", "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----"])
    func `what is no key is refused without being repeated`(_ text: String) {
        let error = #expect(throws: CoinbaseKey.Unusable.self) { try CoinbaseKey(Secret(text)) }
        #expect(text.isEmpty || error?.description.contains(text) == false)
    }
}
