/// A value that must not be seen: it prints as `***`, is not codable and shows nothing to reflection.
public struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let text: String

    public init(_ text: String) { self.text = text }

    /// The value itself. Every use of this is a place to review.
    public func reveal() -> String { text }

    public var isEmpty: Bool { text.isEmpty }
    public var description: String { "***" }
    public var debugDescription: String { "***" }
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// Compares in time that depends on the length of `candidate` only.
    public func matches(_ candidate: String) -> Bool {
        let own = Array(text.utf8)
        let other = Array(candidate.utf8)
        var difference: UInt8 = own.count == other.count && !own.isEmpty ? 0 : 1
        for index in other.indices { difference |= other[index] ^ (own.isEmpty ? 0 : own[index % own.count]) }
        return difference == 0
    }
}
