import AdapterKit
import PluginSettings
import Testing
import TradingModel

@testable import BinanceStyle

/// Vectors that Binance publishes, and some computed with OpenSSL from its published keys.
@Suite struct SignerTests {
    static let keyA = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
    static let secretA = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
    static let secretFutures = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"
    static let privateKey = "MC4CAQAwBQYDK2VwBCIEIIJEYWtGBrhACmb9Dvy+qa8WEf0lQOl1s4CLIAB9m89u"
    static let keyE = "4yNzx3yWC5bS6YTwEkSRaC0nRmSQIIStAUOh1b6kqaBrTLIhjCpI5lJH8q8R8WNO"
    static let fullWidth = "\u{FF11}\u{FF12}\u{FF13}\u{FF14}\u{FF15}\u{FF16}"

    struct Vector: Sendable, CustomTestStringConvertible {
        let name: String
        let payload: String
        let signature: String
        init(_ name: String, _ payload: String, _ signature: String) {
            self.name = name
            self.payload = payload
            self.signature = signature
        }
        var testDescription: String { name }
    }

    static let hmac: [Vector] = [
        .init("H1", "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
            "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"),
        .init("H2",
            "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
            "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3"),
        .init("H3", "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTCquantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
            "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77"),
        .init("H4",
            "apiKey=\(keyA)&price=52000.00&quantity=0.01000000&recvWindow=100&side=SELL&symbol=BTCUSDT&timeInForce=GTC&timestamp=1645423376532&type=LIMIT",
            "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24"),
        .init("H5",
            "apiKey=\(keyA)&price=0.10000000&quantity=1.00000000&recvWindow=5000&side=BUY&symbol=\(fullWidth)&timeInForce=GTC&timestamp=1645423376532&type=LIMIT",
            "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd"),
        .init("H6",
            "apiKey=\(keyA)&price=23416.10000000&quantity=0.00847000&side=SELL&symbol=BTCUSDT&timeInForce=GTC&timestamp=1660801715431&type=LIMIT",
            "15af09e41c36f3cc61378c2fbe2c33719a03dd5eba8d0f9206fbda44de717c88"),
        .init("H7", "apiKey=\(keyA)&orderId=12569099453&symbol=BTCUSDT&timestamp=1660801720951",
            "2c3aab5a078ee4ea465ecd95523b77289f61476c2f238ec10c55ea6cb11a6f35"),
        .init("H8", "apiKey=\(keyA)&timestamp=1660801839480", "83303b4a136ac1371795f465808367242685a9e3a42b22edb4d977d0696eb45c"),
        .init("H9", "apiKey=\(keyA)&timestamp=1649729878532", "1cf54395b336b0a9727ef27d5d98987962bc47aca6e13fe978612d0adee066ed"),
        .init("H10", "symbols=%5B%22BTCUSDT%22%2C%22BNBUSDT%22%5D&timestamp=1700000000000",
            "1c912e5887e5d93c3535c22be0fe21f2186e007396b7a5fc55de38d22111044e"),
        .init("H11", "symbol=BTCUSDT&origClientOrderId=gw-01HF8Z-0007&timestamp=1700000000000&recvWindow=5000",
            "b6271dcd49b20370bec0a01cdf21b4295630dcff61373f8f71a5f1df31f0b65e"),
    ]

    static let ed25519: [Vector] = [
        .init("E1", "A\u{1}EXAMPLE\u{1}SPOT\u{1}1\u{1}20240627-11:17:25.223",
            "4MHXelVVcpkdwuLbl6n73HQUXUf1dse2PCgT1DYqW9w8AVZ1RACFGM+5UdlGPrQHrgtS3CvsRURC1oj73j8gCA=="),
        .init("E2", "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=0.2&timestamp=1668481559918&recvWindow=5000",
            "inDT086KVIP8vgUfw5sV3VTkescWztiAGlf4x8FLKHM4NInsn0c1kYVLoGMO8cyjfR6vmTku2YQE0gtfVVlfCw=="),
        .init("E3",
            "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=0.2&timestamp=1668481559918&recvWindow=5000",
            "vECjNXSlVOz1DskXXQ866KhikKY8cxajBXKAU0COlYYemqEr45TXiRS/jNB3LyHHh48pu7z2S6pTFhmhWNRBBw=="),
        .init("E4",
            "apiKey=\(keyE)&price=52000.00&quantity=0.01000000&recvWindow=100&side=SELL&symbol=BTCUSDT&timeInForce=GTC&timestamp=1645423376532&type=LIMIT",
            "82wlF5RobwT7JZehRQgOaupNEm5GrAqJj5tqZeCCE6ZxkhlUbWBThOx00q3FVnCKn882P+9p85phztjk4bOMAQ=="),
        .init("E5", "apiKey=\(keyE)&timestamp=1649729878532",
            "cGkloHLHGGNbrduoWDYBlzIPwRHyDVYVfCE0rDkPwKdKedurBgm2JNWRkwloQDBFG6Mcloavo1siYfEtZbV/Ag=="),
    ]

    @Test(arguments: hmac) func `HMAC vectors come out as published`(_ vector: Vector) throws {
        #expect(try RequestSigner(hmacSecret: Secret(Self.secretA)).signature(of: vector.payload) == vector.signature)
    }

    @Test func `the futures HMAC vector F1 comes out as published`() throws {
        let payload = "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000&timestamp=1591702613943"
        #expect(
            try RequestSigner(hmacSecret: Secret(Self.secretFutures)).signature(of: payload)
                == "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9")
    }

    // swift-crypto's Ed25519 is randomised on Apple platforms, so there a signature differs each time and only verifies.
    @Test(arguments: ed25519) func `Ed25519 vectors come out as published`(_ vector: Vector) throws {
        #expect(try RequestSigner(ed25519PrivateKey: Secret(Self.privateKey)).signature(of: vector.payload) == vector.signature)
    }

    @Test func `a private key is read from PEM and from bare base64, and nothing else`() throws {
        let pem = "-----BEGIN PRIVATE KEY-----\n\(Self.privateKey)\n-----END PRIVATE KEY-----\n"
        let fromPEM = try RequestSigner(ed25519PrivateKey: Secret(pem)).signature(of: "x")
        #expect(try RequestSigner(ed25519PrivateKey: Secret(Self.privateKey)).signature(of: "x") == fromPEM)
        #expect(throws: SigningKeyError.notEd25519) { try RequestSigner(ed25519PrivateKey: Secret("AAAA")) }
        #expect(throws: SigningKeyError.notBase64) { try RequestSigner(ed25519PrivateKey: Secret("!!")) }
    }

    @Test func `REST signs the encoded bytes that it sends`() throws {
        let signer = try BinanceSigner(apiKey: Secret(Self.keyA), signingKey: .hmac(Secret(Self.secretA)))
        let query = try signer.signedQuery([
            "symbol": Self.fullWidth, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "0.1",
            "recvWindow": "5000", "timestamp": "1499827319559",
        ])
        #expect(query == Self.hmac[1].payload + "&signature=" + Self.hmac[1].signature)
    }

    @Test func `an Ed25519 signature is percent-encoded in the query`() throws {
        let signer = try BinanceSigner(apiKey: Secret(Self.keyE), signingKey: .ed25519(Secret(Self.privateKey)))
        let query = try signer.signedQuery([
            "symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "0.2",
            "timestamp": "1668481559918", "recvWindow": "5000",
        ])
        #expect(query.hasSuffix("&signature=inDT086KVIP8vgUfw5sV3VTkescWztiAGlf4x8FLKHM4NInsn0c1kYVLoGMO8cyjfR6vmTku2YQE0gtfVVlfCw%3D%3D"))
    }

    @Test func `the WebSocket API signs sorted and raw`() throws {
        let signer = try BinanceSigner(apiKey: Secret(Self.keyA), signingKey: .hmac(Secret(Self.secretA)))
        let signed = try signer.signedForWebSocket([
            "type": "LIMIT", "symbol": Self.fullWidth, "side": "BUY", "timestamp": "1645423376532", "timeInForce": "GTC",
            "recvWindow": "5000", "quantity": "1.00000000", "price": "0.10000000",
        ])
        #expect(signed.pairs.last?.value == Self.hmac[4].signature)
    }
}
