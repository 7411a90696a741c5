import BrokerContract
import Crypto
import TradingModel

/// Makes the ids of signals and orders.
public enum Minting {
    private static let digits = Array("0123456789abcdef".utf8)
    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
    /// The number that each character of the alphabet stands for, by its byte.
    private static let numbers: [UInt64?] = (0...UInt8.max).map { byte in alphabet.firstIndex(of: byte).map { UInt64($0) } }

    /// 26 characters that sort by time: 48 bits of milliseconds and 80 random bits in Crockford's base 32 (the ULID layout).
    public static func signalID(at time: Timestamp, using random: inout some RandomNumberGenerator) -> SignalID {
        var characters: [UInt8] = []
        characters.reserveCapacity(26)
        let milliseconds = UInt64(max(time.milliseconds, 0)) & 0xFFFF_FFFF_FFFF
        for shift in stride(from: 45, through: 0, by: -5) { characters.append(alphabet[Int(milliseconds >> UInt64(shift)) & 31]) }
        var bits = random.next()
        for index in 0..<16 {
            if index == 12 { bits = random.next() }
            characters.append(alphabet[Int(bits & 31)])
            bits >>= 5
        }
        return SignalID(String(decoding: characters, as: UTF8.self))
    }

    /// The order's id: its signal's, and its place in the plan.
    public static func orderID(_ signal: SignalID, index: Int) -> OrderID {
        let number = String(index)
        var text = ""
        text.reserveCapacity(signal.rawValue.utf8.count + 8)
        text += signal.rawValue
        text += "-"
        for _ in 0..<max(0, 3 - number.utf8.count) { text += "0" }
        text += number
        return OrderID(text)
    }

    /// The id that the venue gets: the same for the same intent, always, so that it survives restarts and serves every attempt.
    ///
    /// Derived from SHA-256 of what identifies the intent; the signal's 80 random bits keep it from ever repeating. Where there is
    /// room it begins with the signal's time, so that a store's index of these ids grows at its end only.
    public static func clientOrderID(
        signal: SignalID, strategy: StrategyID, account: AccountID, leg: Int, rules: ClientOrderIDRules
    ) -> ClientOrderID {
        var identity: [UInt8] = []
        identity.reserveCapacity(128)
        for part in [signal.rawValue, strategy.rawValue, account.rawValue, String(leg)] {
            identity.append(contentsOf: String(part.utf8.count).utf8)
            identity.append(UInt8(ascii: ":"))
            identity.append(contentsOf: part.utf8)
        }
        let hash = digest(identity)
        let time = timeCharacters(of: signal)
        switch rules.form {
        case .uuid:
            var bytes = Array(hash.prefix(16))
            if let milliseconds = time.map(number) {
                for index in 0..<6 { bytes[index] = UInt8(truncatingIfNeeded: milliseconds >> UInt64(40 - 8 * index)) }
            }
            // RFC 9562, section 5.8: version 8 is for ids of one's own making.
            bytes[6] = bytes[6] & 0x0F | 0x80
            bytes[8] = bytes[8] & 0x3F | 0x80
            let hex = hexadecimal(bytes)
            func part(_ from: Int, _ length: Int) -> Substring { hex.dropFirst(from).prefix(length) }
            return ClientOrderID("\(part(0, 8))-\(part(8, 4))-\(part(12, 4))-\(part(16, 4))-\(part(20, 12))")
        case .token:
            let length = min(29, rules.maximumLength)
            var characters = Array("ts-".utf8)
            characters.reserveCapacity(length)
            // 16 characters of the hash are 80 bits; with less room all of it is hash.
            if let time, length == 29 { characters += time }
            var buffer: UInt32 = 0
            var bits = 0
            for byte in hash where characters.count < length {
                buffer = buffer << 8 | UInt32(byte)
                bits += 8
                while bits >= 5, characters.count < length {
                    bits -= 5
                    characters.append(alphabet[Int(buffer >> UInt32(bits)) & 31])
                }
                buffer &= (1 << UInt32(bits)) - 1
            }
            return ClientOrderID(String(decoding: characters, as: UTF8.self))
        }
    }

    /// The first ten characters of an id that ``signalID(at:using:)`` made, which are its time; nil for an id of another form.
    private static func timeCharacters(of signal: SignalID) -> [UInt8]? {
        let characters = Array(signal.rawValue.utf8.prefix(10))
        guard signal.rawValue.utf8.count == 26, characters.allSatisfy({ numbers[Int($0)] != nil }) else { return nil }
        return characters
    }

    private static func number(_ characters: [UInt8]) -> UInt64 {
        characters.reduce(0) { $0 << 5 | (numbers[Int($1)] ?? 0) }
    }

    /// Lower-case hex.
    public static func hexadecimal(_ bytes: some Collection<UInt8>) -> String {
        String(unsafeUninitializedCapacity: 2 * bytes.count) { hex in
            for (index, byte) in bytes.enumerated() {
                hex[2 * index] = digits[Int(byte >> 4)]
                hex[2 * index + 1] = digits[Int(byte & 15)]
            }
            return 2 * bytes.count
        }
    }

    /// SHA-256 in lower-case hex.
    public static func sha256(_ text: String) -> String { hexadecimal(digest(Array(text.utf8))) }

    private static func digest(_ bytes: [UInt8]) -> [UInt8] {
        bytes.withUnsafeBytes { buffer in
            var hash = SHA256()
            hash.update(bufferPointer: buffer)
            return hash.finalize().withUnsafeBytes { Array($0) }
        }
    }
}

extension Minting {
    /// Whether a client order id has the form of those that are minted here: another gateway may have made it, or this one under a store
    /// that has lost it. A leg's ending does not matter.
    public static func looksMinted(_ id: ClientOrderID, rules: ClientOrderIDRules) -> Bool {
        switch rules.form {
        case .token: return id.rawValue.hasPrefix("ts-")
        case .uuid:
            // RFC 9562, section 5.8: version 8 is for ids of one's own making, and hardly anybody else makes such.
            let parts = id.rawValue.split(separator: "-", omittingEmptySubsequences: false).map { Array($0.utf8) }
            guard parts.map(\.count) == [8, 4, 4, 4, 12] else { return false }
            return parts[2].first == UInt8(ascii: "8") && [UInt8(ascii: "8"), UInt8(ascii: "9"), UInt8(ascii: "a"), UInt8(ascii: "b")].contains(parts[3].first ?? 0)
        }
    }
}
