import Foundation
import Testing
import TradingModel

@Suite struct ExactDecimalTests {
    @Test(arguments: ["0.1", "1e-8", "12345678901234567890", "0.00000001", "-3.133", "60000", "1E2", "79228162514264337593543950335.12345678"])
    func `a decimal is read whole and written plainly`(_ text: String) throws {
        let value = try Price(text)
        #expect(try Price(value.description) == value)
        #expect(!value.description.contains("e") && !value.description.contains("E"))
    }

    @Test(arguments: ["", " ", "12abc", "abc", "1.", ".5", "1..2", "--1", "+", "1e", "1e+", "NaN", "inf", "0x10", "1,5", "1 000", "１２", "1e999"])
    func `what is not wholly a decimal is refused`(_ text: String) {
        #expect(throws: DecimalError.self) { try Price(text) }
    }

    @Test func `more than 38 digits are refused, not rounded`() throws {
        #expect(throws: Never.self) { try Quantity(String(repeating: "9", count: 38)) }
        #expect(throws: DecimalError.self) { try Quantity(String(repeating: "9", count: 39)) }
        #expect(throws: Never.self) { try Quantity("0." + String(repeating: "0", count: 30) + "1") }
    }

    @Test(arguments: ["1e40", "99999999999999999999999999999999999999e40", "1e-40", "100000000000000000000000000000000000000000", "0.1000000000000000000000000000000000000000000000000"])
    func `whatever is read can be written and read again`(_ text: String) throws {
        let value = try Quantity(text)
        #expect(try Quantity(value.description) == value)
    }

    @Test func `what would leave the exponents is refused, not rounded to nothing and not a crash`() {
        for text in ["0." + String(repeating: "0", count: 100) + "1e-40", "0." + String(repeating: "0", count: 40) + "1", "1.5e-40"] {
            #expect(throws: DecimalError.self) { try Quantity(text) }
        }
    }

    @Test func `an average without an end can be written and read again`() throws {
        for divisor in 1...200 {
            for cost in ["20", "0.00001234", "60000.01", "99999999999999999999.99999999"] {
                let price = try #require(try Notional(cost) / Quantity(integerLiteral: Int64(divisor)))
                #expect(try Price(price.description) == price)
            }
        }
        #expect(try Notional("1e40") / Quantity("3") != nil)
    }

    @Test func `a product is exact or there is none`() throws {
        let nines = try Decimal(exactly: String(repeating: "9", count: 38))
        #expect(nines.multipliedExactly(by: nines) == nil)
        #expect(nines.multipliedExactly(by: 1) == nines)
        #expect(try Decimal(exactly: "1e40").multipliedExactly(by: Decimal(exactly: "1e40")) != nil)
        #expect(try Decimal(exactly: "1e-40").multipliedExactly(by: Decimal(exactly: "1e-40")) == nil)
        #expect(try Decimal(exactly: "0.010").multipliedExactly(by: Decimal(exactly: "1.5")) == Decimal(exactly: "0.015"))
    }

    /// Numbers of up to 15 digits with up to 20 decimals are multiplied without a check of the product.
    @Test(arguments: [
        ("999999999999999", "999999999999999", "999999999999998000000000000001"),
        ("1000000000000000", "999999999999999", "999999999999999000000000000000"),
        ("1000000000000001", "1000000000000001", "1000000000000002000000000000001"),
        ("-999999999999999", "0.00000000000000000001", "-0.00000999999999999999"),
        ("0.00000999999999999999", "0.00000999999999999999", "0.0000000000999999999999998000000000000001"),
        ("0.000000000000000000001", "1.5", "0.0000000000000000000015"), ("1e3", "1.5", "1500"), ("0", "-1.5", "0"), ("0.1", "3", "0.3"),
    ])
    func `a product of few digits and one of many are the same to the last digit`(_ a: String, _ b: String, _ product: String) throws {
        let (a, b) = (try Decimal(exactly: a), try Decimal(exactly: b))
        #expect(a.multipliedExactly(by: b)?.plainText == product)
        #expect(b.multipliedExactly(by: a)?.plainText == product)
    }

    @Test func `rounding goes in the stated direction and stays on the step`() throws {
        let step = try Quantity("0.00001")
        #expect(try Quantity("0.123456789").rounded(.down, to: step) == Quantity("0.12345"))
        #expect(try Quantity("0.123456789").rounded(.up, to: step) == Quantity("0.12346"))
        #expect(try Quantity("0.12345").rounded(.up, to: step) == Quantity("0.12345"))
        #expect(try Quantity("7").rounded(.down, to: Quantity("3")) == 6)
        #expect(try Quantity("0.3").rounded(.down, to: Quantity("0.1")) == Quantity("0.3"))
        #expect(try Quantity("1").rounded(.down, to: 0) == 1)
        #expect(try Price("60000.005").isMultiple(of: Price("0.01")) == false)
        #expect(try Price("60000.01").isMultiple(of: Price("0.01")))
    }

    @Test func `a decimal travels through JSON as text`() throws {
        let data = try JSONEncoder().encode([try Price("0.1")])
        #expect(String(decoding: data, as: UTF8.self) == "[\"0.1\"]")
        #expect(try JSONDecoder().decode([Price].self, from: data) == [try Price("0.1")])
        #expect(throws: (any Error).self) { try JSONDecoder().decode([Price].self, from: Data("[0.1]".utf8)) }
    }
}

@Suite struct TimestampTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2026-11-21T05:06:07Z", 1_795_237_567_000), ("2000-02-29T23:59:59.999Z", 951_868_799_999),
        ("2026-11-21T07:06:07+02:00", 1_795_237_567_000),
    ])
    func `RFC 3339 is read and written`(_ text: String, _ milliseconds: Int64) throws {
        let time = try #require(Timestamp(rfc3339: text))
        #expect(time.milliseconds == milliseconds)
        #expect(Timestamp(rfc3339: time.description) == time)
    }

    @Test(arguments: ["", "2026-11-21", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T05:06:07", "2026-11-21T05:06:07.Z", "x026-11-21T05:06:07Z", "2026-11-21T05:06:07+2:00"])
    func `what is not a time is refused`(_ text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test func `arithmetic saturates instead of trapping`() {
        #expect(Timestamp(microseconds: .max) + .seconds(1) == Timestamp(microseconds: .max))
        #expect(Timestamp(milliseconds: .max).microseconds == .max)
    }
}

@Suite struct SecretTests {
    @Test func `a secret shows nothing`() {
        let secret = Secret("hunter2-very-secret")
        var dumped = ""
        dump([secret], to: &dumped)
        #expect(!"\(secret) \(String(reflecting: secret)) \([secret]) \(dumped)".contains("hunter2"))
    }

    @Test func `only the same text matches`() {
        let secret = Secret("abc")
        #expect(secret.matches("abc"))
        for other in ["", "ab", "abcd", "abd", "ABC", "abcabc"] { #expect(!secret.matches(other)) }
        #expect(!Secret("").matches(""))
    }
}
