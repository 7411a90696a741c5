/// What an opaque proxy does when a client's bytes hold certain words.
public struct StreamFault: Sendable {
    public enum Effect: Sendable {
        /// The server does not get these bytes, and both sides are cut.
        case cutRequest
        /// The server gets them and answers; its answer is thrown away, and both sides are cut.
        case cutAnswer
        /// The server gets them; from then on nothing comes back, and the connection stays open.
        case hang
    }

    let words: [UInt8]
    var skip: Int
    let effect: Effect

    /// - Parameters:
    ///   - words: Looked for in each piece that arrives at once; empty for any piece.
    ///   - skip: Pieces with these words that pass before.
    public init(on words: String, skip: Int = 0, _ effect: Effect) {
        self.words = Array(words.utf8)
        self.skip = skip
        self.effect = effect
    }

    func matches(_ bytes: [UInt8]) -> Bool {
        guard !words.isEmpty else { return true }
        guard bytes.count >= words.count else { return false }
        return (0...(bytes.count - words.count)).contains { bytes[$0] == words[0] && bytes[$0..<($0 + words.count)].elementsEqual(words) }
    }
}
