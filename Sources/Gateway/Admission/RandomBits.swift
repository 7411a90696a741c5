import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// The kernel's random numbers, for ids. Drawn for many ids at once: each draw is a system call. No number is given out twice.
final class RandomBits: RandomNumberGenerator, Sendable {
    /// 256 bytes: as many as getentropy gives at once. Source: getentropy(3).
    private static let wordsAtOnce = 32

    private let words = Mutex<[UInt64]>([])

    func next() -> UInt64 {
        words.withLock { words in
            if words.isEmpty { words = Self.draw() }
            return words.removeLast()
        }
    }

    private static func draw() -> [UInt64] {
        #if canImport(Glibc)
            let drawn = [UInt64](unsafeUninitializedCapacity: wordsAtOnce) { buffer, count in
                let isDrawn = buffer.baseAddress.map { getentropy($0, wordsAtOnce * MemoryLayout<UInt64>.size) == 0 } ?? false
                count = isDrawn ? wordsAtOnce : 0
            }
            if !drawn.isEmpty { return drawn }
        #endif
        return [UInt64.random(in: .min ... .max)]
    }
}
